import { scalarOf } from './constant.ts';
import { find, hole, op, overLastAxis } from './pattern.ts';
import { everywhere } from './rule.ts';

const x = hole('x');
const exponentials = op('Exp', op('Sub', x, overLastAxis('Max', x)));
const softmaxed = op('RealDiv', exponentials, overLastAxis('Sum', exponentials));

/** Softmax(x + c)     becomes     Softmax(x): some exporters add a tiny number */
export const unshiftedSoftmax = everywhere((node, graph) => {
  const sum = graph.nodes.get(node.inputs[0] ?? '');
  if (node.op !== 'Softmax' || sum?.op !== 'AddV2') return undefined;
  const x = sum.inputs.find((_, i) => scalarOf(graph, sum.inputs[1 - i]) !== undefined);
  return x === undefined ? undefined : { nodes: [{ ...node, inputs: [x] }], inside: [sum.name] };
});

/** exp(x − max x) / Σ exp(x − max x)     becomes     Softmax(x) */
export const softmax = everywhere((node, graph) => {
  const match = node.op === 'RealDiv' ? find(graph, node, softmaxed) : undefined;
  if (!match) return undefined;
  const inputs = [match.values.get('x')!];
  return { nodes: [{ name: node.name, op: 'Softmax', inputs, attrs: {} }], inside: match.inside };
});
