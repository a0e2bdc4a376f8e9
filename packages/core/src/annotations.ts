import { edit, freeName, redirect, type Changes } from './edit.ts';
import { CqError } from './errors.ts';
import { consumersOf, type Graph, type Node, type Weight } from './graph.ts';
import { checkScales, readForm, writeQuantizer, type Quantizer } from './quantizer.ts';
import { sizeOf } from './runtime/op.ts';

/**
 * The two annotations by which a pass records a decision on a value, always in this order:
 *
 *     value ──► CqMask ──► CqFakeQuantize ──► consumers
 */
const annotations = ['CqMask', 'CqFakeQuantize'];

/** The value that annotations stand on: strips CqMask and CqFakeQuantize. */
export function annotatedValue(graph: Graph, name: string): string {
  for (;;) {
    const node = graph.nodes.get(name);
    if (!node || !annotations.includes(node.op)) return name;
    name = node.inputs[0]!;
  }
}

/** The last annotation on a value, or the value: what its consumers read. */
export function tipOf(graph: Graph, value: string): string {
  const next = consumersOf(graph, value).find(({ op, inputs }) => annotations.includes(op) && inputs[0] === value);
  return next ? tipOf(graph, next.name) : value;
}

/** The CqFakeQuantize node on a value, if it has one. */
export function fakeQuantizeOf(graph: Graph, value: string): Node | undefined {
  const tip = graph.nodes.get(tipOf(graph, annotatedValue(graph, value)));
  return tip?.op === 'CqFakeQuantize' ? tip : undefined;
}

/** The CqMask node on a value, if it has one. */
export function maskOf(graph: Graph, value: string): Node | undefined {
  return consumersOf(graph, annotatedValue(graph, value)).find(({ op }) => op === 'CqMask');
}

/** A weight's data with its mask applied. */
export function maskedData(graph: Graph, weight: Weight): Float32Array {
  const mask = maskOf(graph, weight.name);
  const keep = mask && graph.weights.get(mask.inputs[1]!)?.data;
  const data = weight.data as Float32Array;
  return keep ? data.map((x, i) => x * keep[i]!) : data;
}

/** The quantizer on a value, if it has one. */
export function quantizerOf(graph: Graph, value: string): Quantizer | undefined {
  const node = fakeQuantizeOf(graph, value);
  return node && readQuantizer(graph, node);
}

/**
 * A CqFakeQuantize node as data.
 * @throws CqError if it is none that `withFakeQuantize` would write.
 */
export function readQuantizer(graph: Graph, node: Node): Quantizer {
  const source = `graph: "${node.name}"`;
  const floats = (input: number): Float32Array | undefined => {
    const data = graph.weights.get(node.inputs[input] ?? '')?.data;
    return data instanceof Float32Array ? data : undefined;
  };
  const form = readForm(source, node.attrs, (index) => floats(index + 2));
  if (form.kind === 'dynamic') return form;
  const scale = floats(1);
  if (!scale) throw new CqError(`${source}: its scale must be a float32 constant`);
  checkScales(source, form, scale.length);
  return { ...form, scale };
}

/**
 * Puts a quantizer on a value, behind its mask if it has one. All consumers, outputs included, read the quantized value.
 * @throws CqError if the value does not exist or has a quantizer already: quantized stays on its levels.
 */
export function withFakeQuantize(graph: Graph, value: string, quantizer: Quantizer): Graph {
  const base = annotatedValue(graph, value);
  requireValue(graph, base);
  if (fakeQuantizeOf(graph, base)) throw new CqError(`graph: "${base}" is quantized already`);
  const name = freeName(graph, `${base}/quantize`);
  const { attrs, constants } = writeQuantizer(quantizer);
  const weights = Object.entries(constants).map(([part, data]) => floats(`${name}/${part}`, [data.length], data));
  return insert(graph, tipOf(graph, base), { name, op: 'CqFakeQuantize', inputs: [], attrs }, weights);
}

/**
 * Puts a mask on a weight, in front of its quantizer if it has one. 1 = keep.
 * @throws CqError if the weight does not exist, has a mask already, or the mask's length is not the weight's.
 */
export function withMask(graph: Graph, weight: string, mask: Float32Array): Graph {
  const base = annotatedValue(graph, weight);
  const masked = graph.weights.get(base);
  if (!masked) throw new CqError(`graph: "${base}" is not a weight`);
  if (maskOf(graph, base)) throw new CqError(`graph: "${base}" is masked already`);
  if (mask.length !== sizeOf(masked.shape)) {
    throw new CqError(`graph: "${base}": its mask must have ${sizeOf(masked.shape)} values, got ${mask.length}`);
  }
  const name = freeName(graph, `${base}/mask`);
  const keep = floats(`${name}/keep`, masked.shape, mask);
  return insert(graph, base, { name, op: 'CqMask', inputs: [], attrs: {} }, [keep]);
}

const floats = (name: string, shape: readonly number[], data: Float32Array): Weight => ({
  ...{ name, dtype: 'float32', shape, data },
});

/** value ──► consumers     becomes     value ──► annotation(value, …constants) ──► consumers */
function insert(graph: Graph, value: string, annotation: Node, constants: readonly Weight[]): Graph {
  const moved: Changes = redirect(graph, value, annotation.name);
  const inputs = [value, ...constants.map(({ name }) => name)];
  return edit(graph, {
    nodes: [...(moved.nodes ?? []), { ...annotation, inputs }],
    weights: [...constants],
    outputs: moved.outputs ?? graph.outputs,
  });
}

function requireValue(graph: Graph, name: string): void {
  if (!graph.nodes.has(name) && !graph.weights.has(name) && !graph.inputs.some((input) => input.name === name)) {
    throw new CqError(`graph: "${name}" does not exist`);
  }
}
