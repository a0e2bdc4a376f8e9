import { annotatedValue, fakeQuantizeOf, maskedData, readQuantizer } from './annotations.ts';
import { freeName, removeDead } from './edit.ts';
import { consumersOf, makeGraph, producerOf, type Graph, type Node, type Output, type Weight } from './graph.ts';
import { accumulatorAt, type Accumulator } from './lowering/accumulator.ts';
import { addition } from './lowering/addition.ts';
import { attention } from './lowering/attention.ts';
import { distinctWeights } from './lowering/distinct.ts';
import { embedding } from './lowering/embedding.ts';
import { firstRowsAsLookups } from './lowering/first-rows.ts';
import { floatLinear } from './lowering/float-linear.ts';
import { layerNorm } from './lowering/layer-norm.ts';
import { leftInFloat, type LeftInFloat } from './lowering/left-in-float.ts';
import { linear, linearToFloat, linearWithResidual, linearWithTable } from './lowering/linear.ts';
import { meansAsProducts } from './lowering/mean.ts';
import { patchEmbed } from './lowering/patch-embed.ts';
import { quantizersBeforeMovements } from './lowering/push.ts';
import {
  codesAt,
  codesBehind,
  codeScale,
  constant,
  isUnmatched,
  type Codes,
  type CodeScale,
  type Lowered,
  type Rule,
} from './lowering/rule.ts';
import { storedWeight } from './lowering/stored-weight.ts';
import { onlyFeeds } from './match.ts';
import { movedBy } from './movements.ts';
import { verify } from './verify.ts';

/** Annotated chains → integer nodes. The first rule that matches a chain takes it. */
const rules: readonly Rule[] = [
  ...[patchEmbed, linearWithTable, linearWithResidual, linear, layerNorm, attention, addition],
];

export type { LeftInFloat };

/**
 * Rewrites every annotated chain that a rule knows to an integer node. Between neighbours codes flow directly;
 * CqQuantize and CqDequantize stand only where float and integer nodes meet. Masks are applied, weights become bytes.
 * @returns the graph, verified, and each value left in float with the reason.
 */
export function lower(graph: Graph): { graph: Graph; left: readonly LeftInFloat[] } {
  graph = quantizersBeforeMovements(meansAsProducts(firstRowsAsLookups(graph)));
  const reasons = new Map<string, string>();
  const plans = plan(graph, reasons);
  const swallowed = new Set([...plans.values()].flatMap(({ swallows }) => swallows));
  const writer = writeLowered(graph);
  for (const node of graph.nodes.values()) {
    if (swallowed.has(node.name)) continue;
    const annotatesWeight = graph.weights.has(annotatedValue(graph, node.name));
    if (node.op === 'CqMask' || (node.op === 'CqFakeQuantize' && annotatesWeight)) continue; // Written where it is read.
    if (node.op === 'CqFakeQuantize') {
      const quantizer = readQuantizer(graph, node);
      const scale = codeScale(quantizer);
      const lowered = plans.get(node.name);
      if (lowered) writer.lowered(node.inputs[0]!, node.name, lowered, codesBehind(quantizer)!);
      else if (scale) writer.quantize(node, scale);
      else writer.float(node);
    } else if (writer.movesCodes(node)) {
      writer.move(node);
    } else {
      const product = floatProduct(graph, node);
      const floats = product ? undefined : (embedding(graph, node) ?? floatLinear(graph, node));
      if (product) writer.sums(node, linearToFloat(product));
      else if (floats) writer.floats(node, floats);
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
  const coded = new Set<string>(); // The values whose codes there will be.
  for (const node of graph.nodes.values()) {
    if (movedBy(node)?.every((value) => coded.has(value))) coded.add(node.name);
    if (node.op !== 'CqFakeQuantize' || graph.weights.has(annotatedValue(graph, node.name))) continue;
    const planned = integerNode(graph, node, coded, reasons);
    if (planned) plans.set(node.name, planned);
    if (planned ?? codeScale(readQuantizer(graph, node))) coded.add(node.name);
  }
  return plans;
}

/** Of the first rule that takes the chain that ends here. */
function integerNode(
  graph: Graph,
  node: Node,
  coded: ReadonlySet<string>,
  reasons: Map<string, string>,
): Lowered | undefined {
  const value = node.inputs[0]!;
  if (!onlyFeeds(graph, value, node)) {
    reasons.set(value, 'it is read before it is quantized');
    return undefined;
  }
  if (readQuantizer(graph, node).kind === 'dynamic') {
    reasons.set(value, 'it is quantized row by row where it is read');
    return undefined;
  }
  for (const rule of rules) {
    const result = rule(graph, node);
    if (!result) continue;
    if (isUnmatched(result)) reasons.set(value, result.reason);
    else if (result.inputs.every((input) => typeof input !== 'string' || coded.has(input))) return result;
    else reasons.set(value, 'its input has codes that no integer node makes');
  }
  return undefined;
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
  const distinct = distinctWeights();
  const codes = new Map<string, { readonly name: string; readonly scale: Codes }>();
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

  const dequantize = (from: string, name: string, { bits, scale, zeroPoint }: Codes): string => {
    const scales = addWeight(name, constant('scale', typeof scale === 'number' ? Float32Array.of(scale) : scale));
    return addNode({ name, op: 'CqDequantize', inputs: [from, scales], attrs: { bits, zeroPoint } });
  };

  /** A masked or quantized weight that a float node reads: kept in codes where it can be. */
  const weightFloat = (value: string): string | undefined => {
    const weight = graph.weights.get(annotatedValue(graph, value));
    if (!weight || weight.name === value) return undefined;
    const data = maskedData(graph, weight);
    const fake = fakeQuantizeOf(graph, weight.name);
    if (!fake) return addWeight(value, { ...weight, name: 'masked', data });
    const quantizer = readQuantizer(graph, fake);
    const stored = storedWeight(weight, data, quantizer);
    if (!stored) {
      const masked = addWeight(value, { ...weight, name: 'masked', data });
      return addNode({ ...fake, name: `${value}/dequantize`, inputs: [masked, ...fake.inputs.slice(1)] });
    }
    addLowered(`${value}/dequantize`, stored);
    return `${value}/dequantize`;
  };

  const addWeight = (node: string, given: Weight): string => {
    const weight = distinct({ ...given, name: freeName(graph, `${node}/${given.name}`) });
    weights.set(weight.name, weight);
    return weight.name;
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
    /** Whether all that a node moves has the same codes. */
    movesCodes: (node: Node) =>
      codesAt(graph, node.name) !== undefined && movedBy(node)!.every((value) => codes.has(value)),
    /** The integer node takes the name of the value that was quantized. */
    lowered(value: string, quantize: string, lowered: Lowered, scale: Codes): void {
      addLowered(value, lowered);
      codes.set(quantize, { name: value, scale });
    },
    quantize(node: Node, scale: CodeScale): void {
      addNode({ name: node.name, op: 'CqQuantize', inputs: [floatOf(node.inputs[0]!)], attrs: { ...scale } });
      codes.set(node.name, { name: node.name, scale });
    },
    move(node: Node): void {
      addNode({ ...node, inputs: node.inputs.map((input) => codes.get(input)?.name ?? input) });
      codes.set(node.name, { name: node.name, scale: codes.get(node.inputs[0]!)!.scale });
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
    floats(node: Node, lowered: Lowered): void {
      addLowered(node.name, lowered);
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
