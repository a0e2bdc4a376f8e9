import { annotatedValue, fakeQuantizeOf, maskedData, readQuantizer } from './annotations.ts';
import { freeName, removeDead } from './edit.ts';
import {
  consumersOf,
  isOutput,
  makeGraph,
  producerOf,
  type Graph,
  type Node,
  type Output,
  type Weight,
} from './graph.ts';
import { accumulatorAt, type Accumulator } from './lowering/accumulator.ts';
import { attention } from './lowering/attention.ts';
import { embedding } from './lowering/embedding.ts';
import { layerNorm } from './lowering/layer-norm.ts';
import { linear, linearToFloat, linearWithResidual, linearWithTable } from './lowering/linear.ts';
import { patchEmbed } from './lowering/patch-embed.ts';
import { codeScale, constant, isUnmatched, type CodeScale, type Lowered, type Rule } from './lowering/rule.ts';
import { onlyFeeds } from './match.ts';
import { encode } from './quantizer.ts';
import { movements } from './roles.ts';
import { verify } from './verify.ts';

/** Annotated chains → integer nodes. The first rule that matches a chain takes it. */
const rules: readonly Rule[] = [patchEmbed, linearWithTable, linearWithResidual, linear, layerNorm, attention];

/** A value that no integer node holds, and why. */
export interface LeftInFloat {
  readonly value: string;
  readonly reason: string;
}

/**
 * Rewrites every annotated chain that a rule knows to an integer node. Between neighbours codes flow directly;
 * CqQuantize and CqDequantize stand only where float and integer nodes meet. Masks are applied, weights become bytes.
 * @returns the graph, verified, and each value left in float with the reason.
 */
export function lower(graph: Graph): { graph: Graph; left: readonly LeftInFloat[] } {
  const reasons = new Map<string, string>();
  const plans = plan(graph, reasons);
  const swallowed = new Set([...plans.values()].flatMap(({ swallows }) => swallows));
  const writer = writeLowered(graph);
  for (const node of graph.nodes.values()) {
    if (swallowed.has(node.name)) continue;
    const annotatesWeight = graph.weights.has(annotatedValue(graph, node.name));
    if (node.op === 'CqMask' || (node.op === 'CqFakeQuantize' && annotatesWeight)) continue; // Written where it is read.
    if (node.op === 'CqFakeQuantize') {
      const scale = codeScale(readQuantizer(graph, node));
      const lowered = plans.get(node.name);
      if (lowered) writer.lowered(node.inputs[0]!, node.name, lowered, scale!);
      else if (scale) writer.quantize(node, scale);
      else writer.float(node);
    } else if (movements.has(node.op) && writer.hasCodes(node.inputs[0]!)) {
      writer.move(node);
    } else {
      const product = floatProduct(graph, node);
      const rows = embedding(graph, node);
      if (product) writer.sums(node, linearToFloat(product));
      else if (rows) writer.rows(node, rows);
      else writer.float(node);
    }
  }
  const result = removeDead(writer.graph());
  verify(result, 'lower');
  return { graph: result, left: leftInFloat(graph, result, reasons) };
}

/** Which integer node each quantized activation gets. Reasons why one gets none are noted. */
function plan(graph: Graph, reasons: Map<string, string>): ReadonlyMap<string, Lowered> {
  const plans = new Map<string, Lowered>();
  for (const node of graph.nodes.values()) {
    if (node.op !== 'CqFakeQuantize' || graph.weights.has(annotatedValue(graph, node.name))) continue;
    if (!onlyFeeds(graph, node.inputs[0]!, node)) {
      reasons.set(node.inputs[0]!, 'it is read before it is quantized');
      continue;
    }
    for (const rule of rules) {
      const result = rule(graph, node);
      if (!result) continue;
      if (!isUnmatched(result)) {
        plans.set(node.name, result);
        break;
      }
      reasons.set(node.inputs[0]!, result.reason);
    }
  }
  return plans;
}

/** A quantized matrix product that no plan has taken, seen at its last node. */
function floatProduct(graph: Graph, node: Node): Accumulator | undefined {
  const [reader] = consumersOf(graph, node.name);
  const product = accumulatorAt(graph, node.name);
  if (!product || isUnmatched(product)) return undefined;
  const biased = node.op === 'MatMul' && reader?.op === 'BiasAdd' ? accumulatorAt(graph, reader.name) : undefined;
  return biased && !isUnmatched(biased) ? undefined : product;
}

/** Collects the new graph. Knows for every value of the old one what holds its codes and what its floats. */
function writeLowered(graph: Graph) {
  const nodes: Node[] = [];
  const weights = new Map<string, Weight>(graph.weights);
  const codes = new Map<string, { readonly name: string; readonly scale: CodeScale }>();
  const floats = new Map<string, string>();

  const floatOf = (reference: string): string => {
    const value = producerOf(reference);
    const known = floats.get(value);
    if (known) return known;
    const held = codes.get(value);
    const name = held ? dequantize(held.name, `${value}/dequantize`, held.scale) : weightFloat(value);
    if (name === undefined) return reference;
    floats.set(value, name);
    return name;
  };

  const dequantize = (from: string, name: string, { bits, scale, zeroPoint }: CodeScale): string => {
    const scales = addWeight(name, constant('scale', Float32Array.of(scale)));
    return addNode({ name, op: 'CqDequantize', inputs: [from, scales], attrs: { bits, zeroPoint } });
  };

  /** A masked or quantized weight that a float node reads: kept as bytes where they decode along the last axis. */
  const weightFloat = (value: string): string | undefined => {
    const weight = graph.weights.get(annotatedValue(graph, value));
    if (!weight || weight.name === value) return undefined;
    const data = maskedData(graph, weight);
    const fake = fakeQuantizeOf(graph, weight.name);
    if (!fake) return addWeight(value, { ...weight, name: 'masked', data });
    const quantizer = readQuantizer(graph, fake);
    const { bits, signed, zeroPoint, axis, scale } = quantizer;
    const last = weight.shape.length - 1;
    if (bits > 8 || zeroPoint.some((zero) => zero !== zeroPoint[0]) || (axis !== undefined && axis !== last)) {
      addWeight(value, { ...weight, name: 'masked', data });
      return addNode({ ...fake, name: `${value}/dequantize`, inputs: [`${value}/masked`, fake.inputs[1]!] });
    }
    const shift = signed ? 0 : 2 ** (bits - 1);
    const bytes = Uint8Array.from(encode(data, weight.shape, quantizer), (code) => code - shift);
    const stored = addWeight(value, constant('codes', bytes, weight.shape));
    const scales = addWeight(value, constant('scales', scale));
    return addNode({
      name: `${value}/dequantize`,
      op: 'CqDequantize',
      inputs: [stored, scales],
      attrs: { bits, zeroPoint: zeroPoint[0]! - shift },
    });
  };

  const addWeight = (node: string, weight: Weight): string => {
    const name = freeName(graph, `${node}/${weight.name}`);
    weights.set(name, { ...weight, name });
    return name;
  };

  const addNode = (node: Node): string => {
    nodes.push(node);
    return node.name;
  };

  const codesOf = (value: string): string => codes.get(value)!.name;

  const addLowered = (name: string, { op, inputs, attrs }: Lowered): void => {
    const operands = inputs.map((input) => {
      if (typeof input === 'string') return codesOf(input);
      return 'float' in input ? floatOf(input.float) : addWeight(name, input);
    });
    addNode({ name, op, inputs: operands, attrs });
  };

  return {
    hasCodes: (value: string) => codes.has(value),
    /** The integer node takes the name of the value that was quantized. */
    lowered(value: string, quantize: string, lowered: Lowered, scale: CodeScale): void {
      addLowered(value, lowered);
      codes.set(quantize, { name: value, scale });
    },
    quantize(node: Node, scale: CodeScale): void {
      addNode({ name: node.name, op: 'CqQuantize', inputs: [floatOf(node.inputs[0]!)], attrs: { ...scale } });
      codes.set(node.name, { name: node.name, scale });
    },
    move(node: Node): void {
      const held = codes.get(node.inputs[0]!)!;
      addNode({ ...node, inputs: [held.name, ...node.inputs.slice(1)] });
      codes.set(node.name, { name: node.name, scale: held.scale });
    },
    sums(node: Node, { sums, scales }: ReturnType<typeof linearToFloat>): void {
      addLowered(`${node.name}/sums`, sums);
      const stored = addWeight(node.name, constant('scales', scales));
      addNode({
        name: node.name,
        op: 'CqDequantize',
        inputs: [`${node.name}/sums`, stored],
        attrs: { bits: 32, zeroPoint: 0 },
      });
    },
    rows(node: Node, embedding: Lowered): void {
      addLowered(node.name, embedding);
    },
    float(node: Node): void {
      addNode({ ...node, inputs: node.inputs.map(floatOf) });
    },
    graph(): Graph {
      const outputs: Output[] = graph.outputs.map((output) => ({ ...output, value: floatOf(output.value) }));
      return makeGraph({ ...graph, nodes, weights: weights.values(), outputs });
    },
  };
}

/** Every node of the result that computes in float, with the reason. Movements of codes and shape arithmetic do not. */
function leftInFloat(annotated: Graph, lowered: Graph, reasons: ReadonlyMap<string, string>): LeftInFloat[] {
  const left: LeftInFloat[] = [];
  const constants = [...lowered.inputs, ...lowered.weights.values()];
  const integers = new Set(constants.filter(({ dtype }) => dtype !== 'float32').map(({ name }) => name));
  for (const { name, op, inputs } of lowered.nodes.values()) {
    const toFloat = op === 'CqDequantize' || op === 'CqEmbedding';
    const integer = op === 'Shape' || (op !== 'Cast' && inputs.every((input) => integers.has(producerOf(input))));
    if ((op.startsWith('Cq') || integer) && !toFloat) integers.add(name);
    if (isOutput(lowered, name)) left.push({ value: name, reason: 'it is an output of the model' });
    else if (!integers.has(name) && !toFloat)
      left.push({ value: name, reason: reasons.get(name) ?? missing(annotated, name, op) });
  }
  return left;
}

function missing(annotated: Graph, name: string, op: string): string {
  return fakeQuantizeOf(annotated, name) ? `no integer kernel computes ${op}` : 'it has no quantizer';
}
