import { makeGraph, type Graph, type Node } from '../graph.ts';

/**
 * One name for one operation, without what only restates types, and numbers as exporters keep them in constants:
 *
 *     Add(a:0, b, ^c) {T, _class}      becomes     AddV2(a, b) {}
 *     LayerNorm(x, γ, β) {epsilon}     becomes     the same with the float32 next to its epsilon
 */
export function spelling(graph: Graph): Graph {
  const nodes = [...graph.nodes.values()];
  const spelled = nodes.map(respelled);
  const outputs = graph.outputs.map((output) => ({ ...output, value: withoutSuffix(output.value) }));
  const changed =
    spelled.some((node, i) => node !== nodes[i]) || outputs.some(({ value }, i) => value !== graph.outputs[i]!.value);
  return changed ? makeGraph({ ...graph, nodes: spelled, weights: graph.weights.values(), outputs }) : graph;
}

const synonyms: Readonly<Record<string, string>> = {
  Add: 'AddV2',
  BatchMatMul: 'BatchMatMulV2',
  BatchMatMulV3: 'BatchMatMulV2',
  BiasAddV1: 'BiasAdd',
};

/** Attributes that TensorFlow derives from the inputs. `Fill` and its like do read theirs: they make values. */
const derived: ReadonlySet<string> = new Set([
  'T',
  'Tidx',
  'Tindices',
  'Tparams',
  'Taxis',
  'Tdim',
  'Tmultiples',
  'Tshape',
  'Tperm',
  'Tpaddings',
  'Index',
  'grad_x',
  'grad_y',
]);
const makers: ReadonlySet<string> = new Set(['Fill', 'OneHot', 'Range', 'ZerosLike', 'OnesLike', 'Empty', 'LinSpace']);

function respelled(node: Node): Node {
  const op = Object.hasOwn(synonyms, node.op) ? synonyms[node.op]! : node.op;
  const inputs = node.inputs.filter((input) => !input.startsWith('^')).map(withoutSuffix);
  const given = Object.entries(node.attrs);
  const attrs = given
    .filter(([key, value]) => {
      if (op === 'BiasAdd' && key === 'data_format') return value !== 'NHWC';
      return !key.startsWith('_') && (!derived.has(key) || makers.has(op));
    })
    .map(([key, value]) => [key, isKeptAsConstant(op, key) ? Math.fround(value as number) : value] as const);
  const same =
    op === node.op &&
    attrs.length === given.length &&
    attrs.every(([key, value]) => value === node.attrs[key]) &&
    inputs.length === node.inputs.length &&
    inputs.every((input, i) => input === node.inputs[i]);
  return same ? node : { ...node, op, inputs, attrs: Object.fromEntries(attrs) };
}

const isKeptAsConstant = (op: string, attr: string): boolean =>
  (op === 'LayerNorm' && attr === 'epsilon') || (op === 'AttentionLogits' && attr === 'factor');

const withoutSuffix = (reference: string): string => (reference.endsWith(':0') ? reference.slice(0, -2) : reference);
