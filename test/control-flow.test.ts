import type { io } from '@tensorflow/tfjs-core';
import { CqError, fromArtifacts } from '@cq/core';
import { attr, converted, type ConvertedNode } from './converter/artifacts.ts';

const input: ConvertedNode = {
  name: 'x',
  op: 'Placeholder',
  attr: { dtype: attr.float, shape: attr.shape(-1, 4) },
};
const step = { name: 'step', shape: [], data: Float32Array.of(1) };
const called = (name: string) => ({ func: { name, attr: {} } });

/** A function that adds one, as `library` keeps it. */
const library = {
  function: ['cond', 'body'].map((name) => ({
    signature: {
      name,
      inputArg: [{ name: 'value', type: 'DT_FLOAT' }],
      outputArg: [{ name: 'next', type: 'DT_FLOAT' }],
    },
    nodeDef: [{ name: 'add', op: 'AddV2', input: ['value', 'value'], attr: { T: attr.float } }],
    ret: { next: 'add:z:0' },
  })),
};

/** x ─► the nodes, the last of which is shown. */
const graph = (...nodes: readonly ConvertedNode[]): io.ModelArtifacts =>
  converted([input, ...nodes], [step], { [nodes.at(-1)!.name]: [-1, 4] }, library);

const node = (
  name: string,
  op: string,
  inputs: readonly string[],
  attrs: ConvertedNode['attr'] = {},
): ConvertedNode => ({
  ...{ name, op, input: inputs },
  attr: { T: attr.float, ...attrs },
});

const loop = { cond: called('cond'), body: called('body'), parallel_iterations: attr.integer(10) };
const branch = { then_branch: called('cond'), else_branch: called('body') };

test.each<[string, io.ModelArtifacts, string]>([
  [
    'While',
    graph(node('while', 'While', ['x'], loop)),
    'node "while" (While): a graph must not loop while it runs; unroll',
  ],
  [
    'StatelessWhile',
    graph(node('while', 'StatelessWhile', ['x'], loop)),
    'node "while" (StatelessWhile): a graph must not loop while it runs; unroll',
  ],
  [
    'If',
    graph(node('cond', 'If', ['x', 'x'], branch)),
    'node "cond" (If): a graph must not branch while it runs; choose',
  ],
  [
    'StatelessIf',
    graph(node('cond', 'StatelessIf', ['x', 'x'], branch)),
    'node "cond" (StatelessIf): a graph must not branch while it runs; choose',
  ],
  [
    'Switch and Merge',
    graph(node('switch', 'Switch', ['x', 'x']), node('merge', 'Merge', ['switch', 'switch:1'])),
    'node "switch" (Switch): a graph must not branch while it runs; choose',
  ],
  [
    'a frame of Enter, Merge, Switch, NextIteration and Exit, which is a cycle',
    graph(
      node('enter', 'Enter', ['x'], { frame_name: attr.text('frame') }),
      node('merge', 'Merge', ['enter', 'next']),
      node('go', 'LoopCond', ['merge:1']),
      node('switch', 'Switch', ['merge', 'go']),
      node('add', 'AddV2', ['switch:1', 'step']),
      node('next', 'NextIteration', ['add']),
      node('exit', 'Exit', ['switch']),
    ),
    'node "enter" (Enter): a graph must not loop while it runs; unroll',
  ],
  ['Exit', graph(node('exit', 'Exit', ['x'])), 'node "exit" (Exit): a graph must not loop while it runs; unroll'],
  [
    'NextIteration',
    graph(node('next', 'NextIteration', ['x'])),
    'node "next" (NextIteration): a graph must not loop while it runs; unroll',
  ],
  [
    'TensorList',
    graph(
      node('list', 'TensorListFromTensor', ['x', 'step']),
      node('stack', 'TensorListStack', ['list', 'step'], { num_elements: attr.integer(-1) }),
    ),
    'node "list" (TensorListFromTensor): a graph must not keep lists of tensors, as loops do; unroll',
  ],
  [
    'TensorArray',
    graph(node('array', 'TensorArrayV3', ['x'])),
    'node "array" (TensorArrayV3): a graph must not keep lists of tensors, as loops do; unroll',
  ],
  [
    'a call',
    graph(node('call', 'StatefulPartitionedCall', ['x'], { f: called('body') })),
    'node "call" (StatefulPartitionedCall): a graph must not call functions; let the converter inline them',
  ],
  [
    'a function of the library',
    graph(node('call', 'body', ['x'])),
    'node "call" (body): a graph must not call functions; let the converter inline them',
  ],
  [
    'a hash table',
    graph(node('find', 'LookupTableFindV2', ['x', 'x', 'step'])),
    'node "find" (LookupTableFindV2): a graph must not look anything up in hash tables; do that before the model',
  ],
])('%s is refused by name', (_, artifacts, message) => {
  const load = () => fromArtifacts(artifacts, 'out/model.json');
  expect(load).toThrow(CqError);
  expect(load).toThrow(
    new RegExp(`^out/model\\.json: ${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}[^\\n]*, and convert it again$`),
  );
});

test('functions that nothing calls do no harm', () => {
  expect([...fromArtifacts(graph(node('sum', 'AddV2', ['x', 'step']))).nodes.keys()]).toEqual(['sum']);
});

test.each([
  ['by its format', { format: 'layers-model', modelTopology: { class_name: 'Sequential', config: {} } }],
  ['by its topology', { modelTopology: { model_config: { class_name: 'Sequential', config: {} } } }],
])('a tf.layers model, known %s, is refused with the way to a graph model', (_, artifacts) => {
  expect(() => fromArtifacts(artifacts, 'in/model.json')).toThrow(
    'in/model.json: is a tf.layers model; make it a graph model first: ' +
      'tensorflowjs_converter --input_format=tfjs_layers_model --output_format=tfjs_graph_model model.json FOLDER',
  );
});
