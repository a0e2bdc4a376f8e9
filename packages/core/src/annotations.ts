import { edit, freeName, redirect, type Changes } from './edit.ts';
import { CqError } from './errors.ts';
import { consumersOf, numberAttr, stringAttr, type Graph, type Node, type Weight } from './graph.ts';
import type { Quantizer } from './quantizer.ts';
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

/** A CqFakeQuantize node as data. */
export function readQuantizer(graph: Graph, node: Node): Quantizer {
  const kind = stringAttr(node, 'kind');
  if (kind !== 'uniform') throw new CqError(`graph: "${node.name}": kind must be "uniform", got "${kind}"`);
  const scale = graph.weights.get(node.inputs[1] ?? '');
  const zeroPoint = node.attrs['zero_point'];
  if (!(scale?.data instanceof Float32Array) || !Array.isArray(zeroPoint) || zeroPoint.length !== scale.data.length) {
    throw new CqError(`graph: "${node.name}": needs a float32 scale and as many zero points`);
  }
  const axis = numberAttr(node, 'axis', -1);
  return {
    kind,
    bits: numberAttr(node, 'bits'),
    signed: node.attrs['signed'] === true,
    scale: scale.data,
    zeroPoint: Int32Array.from(zeroPoint as readonly number[]),
    ...(axis >= 0 && { axis }),
  };
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
  const scale: Weight = {
    name: `${name}/scale`,
    dtype: 'float32',
    shape: [quantizer.scale.length],
    data: quantizer.scale,
  };
  const attrs = {
    kind: quantizer.kind,
    bits: quantizer.bits,
    signed: quantizer.signed,
    zero_point: [...quantizer.zeroPoint],
    axis: quantizer.axis ?? -1,
  };
  return insert(graph, tipOf(graph, base), { name, op: 'CqFakeQuantize', inputs: [], attrs }, scale);
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
  const constant: Weight = { name: `${name}/keep`, dtype: 'float32', shape: masked.shape, data: mask };
  return insert(graph, base, { name, op: 'CqMask', inputs: [], attrs: {} }, constant);
}

/** value ──► consumers     becomes     value ──► annotation(value, constant) ──► consumers */
function insert(graph: Graph, value: string, annotation: Node, constant: Weight): Graph {
  const moved: Changes = redirect(graph, value, annotation.name);
  return edit(graph, {
    nodes: [...(moved.nodes ?? []), { ...annotation, inputs: [value, constant.name] }],
    weights: [constant],
    outputs: moved.outputs ?? graph.outputs,
  });
}

function requireValue(graph: Graph, name: string): void {
  if (!graph.nodes.has(name) && !graph.weights.has(name) && !graph.inputs.some((input) => input.name === name)) {
    throw new CqError(`graph: "${name}" does not exist`);
  }
}
