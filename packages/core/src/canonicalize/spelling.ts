import { makeGraph, type Graph, type Node } from '../graph.ts';

/**
 * One name for one operation, without what only restates types:
 *
 *     Add(a:0, b, ^c) {T, _class}     becomes     AddV2(a, b) {}
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
  const attrs = Object.entries(node.attrs).filter(([key, value]) => {
    if (op === 'BiasAdd' && key === 'data_format') return value !== 'NHWC';
    return !key.startsWith('_') && (!derived.has(key) || makers.has(op));
  });
  const same =
    op === node.op &&
    attrs.length === Object.keys(node.attrs).length &&
    inputs.length === node.inputs.length &&
    inputs.every((input, i) => input === node.inputs[i]);
  return same ? node : { ...node, op, inputs, attrs: Object.fromEntries(attrs) };
}

const withoutSuffix = (reference: string): string => (reference.endsWith(':0') ? reference.slice(0, -2) : reference);
