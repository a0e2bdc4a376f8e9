import { removeDead } from './edit.ts';
import { CqError } from './errors.ts';
import { makeGraph, type Graph, type Node, type Weight } from './graph.ts';
import type { AddAttrs } from './runtime/add.ts';
import type { QuantizeAttrs } from './runtime/quantize.ts';
import type { LinearAttrs } from './runtime/linear.ts';
import type { LayerNormAttrs } from './runtime/layer-norm.ts';
import type { AttentionAttrs } from './runtime/attention.ts';
import type { PatchEmbedAttrs, PatchSizes } from './runtime/patch-embed.ts';
import { BOUNDARY_BITS, type ShiftAttentionAttrs } from './runtime/shift-attention.ts';
import type { ShiftLayerNormAttrs } from './runtime/shift-layer-norm.ts';
import type { ShiftLinearAttrs } from './runtime/shift-linear.ts';
import type { ShiftPatchEmbedAttrs } from './runtime/shift-patch-embed.ts';
import type { DynamicLinearAttrs } from './runtime/dynamic-linear.ts';
import type { FloatLinearAttrs } from './runtime/float-linear.ts';
import { fromPanels, type PanelAttrs } from './runtime/panel.ts';
import { sizeOf, type Attrs } from './runtime/op.ts';
import { CqEmbedding, type EmbeddingAttrs } from './runtime/embedding.ts';
import { CqWeight } from './runtime/weight.ts';

/**
 * The lowering table read backwards: integer nodes → annotated chains of composites with decoded weights, which any
 * backend of TensorFlow.js runs through stock ops. Codes agree with the integer nodes' to at most one step.
 */
export function raise(graph: Graph): Graph {
  if (![...graph.nodes.values()].some(({ op }) => op in raisers)) return graph;
  const nodes: Node[] = [];
  const weights: Weight[] = [...graph.weights.values()];
  for (const node of graph.nodes.values()) {
    const raiser = raisers[node.op];
    if (raiser) raiser(node, writer(graph, node, nodes, weights), graph);
    else nodes.push(node);
  }
  return removeDead(makeGraph({ ...graph, nodes, weights }));
}

/** Writes the chain of one integer node; its last node takes the integer node's name. */
interface Writer {
  part(part: string, op: string, inputs: readonly string[], attrs?: Node['attrs']): string;
  last(op: string, inputs: readonly string[], attrs?: Node['attrs']): void;
  constant(part: string, shape: readonly number[], data: Weight['data']): string;
  /** The annotation on a value, as an inner value or as the last one. */
  quantizer(part: string | undefined, input: string, quantizer: QuantizeAttrs, signed?: boolean): string;
  /** The last annotation, of symmetric codes with a scale for each channel of the last axis. */
  channels(input: string, bits: number, scales: Float64Array): void;
  /** The annotation on probabilities that stand for levels between boundaries. */
  codebook(softmax: string, bits: number, scale: number, levels: Float32Array, boundaries: Float32Array): string;
  /** Data of a constant operand. */
  data(index: number): Weight['data'];
}

function writer(graph: Graph, node: Node, nodes: Node[], weights: Weight[]): Writer {
  const add = (name: string, op: string, inputs: readonly string[], attrs: Node['attrs'] = {}): string => {
    nodes.push({ name, op, inputs, attrs });
    return name;
  };
  const constant: Writer['constant'] = (part, shape, data) => {
    const dtype = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool';
    weights.push({ name: `${node.name}/${part}`, dtype, shape, data });
    return `${node.name}/${part}`;
  };
  const quantizer: Writer['quantizer'] = (part, input, { bits, scale, zeroPoint }, signed = true) => {
    const name = part === undefined ? node.name : `${node.name}/${part}`;
    const stored = constant(`${part ?? 'output'}/scale`, [1], Float32Array.of(scale));
    const attrs = { kind: 'uniform', bits, signed, zero_point: [zeroPoint], axis: -1 };
    return add(name, 'CqFakeQuantize', [input, stored], attrs);
  };
  const part: Writer['part'] = (part, op, inputs, attrs) => add(`${node.name}/${part}`, op, inputs, attrs);
  return {
    part,
    last: (op, inputs, attrs) => void add(node.name, op, inputs, attrs),
    constant,
    quantizer,
    channels(input, bits, scales) {
      if (scales.every((scale) => scale === scales[0])) {
        quantizer(undefined, input, { bits, scale: scales[0]!, zeroPoint: 0 });
        return;
      }
      // In units of its scale, a channel has the scale 1: multiplying by powers of two is exact.
      const units = Float32Array.from(scales, (scale) => 1 / scale);
      const scaled = part('units', 'Mul', [input, constant('units/factor', [units.length], units)]);
      const codes = quantizer('codes', scaled, { bits, scale: 1, zeroPoint: 0 });
      add(node.name, 'Mul', [codes, constant('scales', [scales.length], Float32Array.from(scales))]);
    },
    codebook(softmax, bits, scale, levels, boundaries) {
      const inputs = [
        constant('probability_codes/scale', [1], Float32Array.of(scale)),
        constant('probability_codes/levels', [levels.length], levels),
        constant('probability_codes/boundaries', [boundaries.length], boundaries),
      ];
      return part('probability_codes', 'CqFakeQuantize', [softmax, ...inputs], { kind: 'codebook', bits, axis: -1 });
    },
    data(index) {
      const weight = graph.weights.get(node.inputs[index] ?? '');
      if (!weight) throw new CqError(`raise: "${node.name}" (${node.op}): input ${index} must be a constant`);
      return weight.data;
    },
  };
}

const raisers: Readonly<Record<string, (node: Node, write: Writer, graph: Graph) => void>> = {
  CqQuantize({ inputs, attrs }, write) {
    write.quantizer(undefined, inputs[0]!, attrs as QuantizeAttrs);
  },

  /** Raised codes are the values that they stand for already, raw accumulators too. */
  CqDequantize({ inputs }, write) {
    write.last('Identity', [inputs[0]!]);
  },

  CqWeight({ inputs, attrs }, write, graph) {
    const operands = Object.fromEntries(inputs.map((input, i) => [CqWeight.inputs[i]!, graph.weights.get(input)!]));
    const { shape } = CqWeight.output(operands, attrs as Attrs);
    const decoded = new Float32Array(sizeOf(shape));
    CqWeight.reference(operands, attrs as Attrs, decoded);
    write.last('Identity', [write.constant('decoded', shape, decoded)]);
  },

  CqLinear({ inputs, attrs }, write) {
    const a = attrs as LinearAttrs;
    const target = a.tableBits > 0 ? a.tableScale : a.outputScale;
    const product = raiseProduct(inputs[0]!, a, units(target, write), write);
    const output = { bits: a.bits, scale: a.outputScale, zeroPoint: a.zeroPoint };
    if (a.bits === 32) {
      write.last('Identity', [product]);
    } else if (a.tableBits > 0) {
      const index = write.quantizer('index', product, {
        bits: a.tableBits,
        scale: target,
        zeroPoint: a.tableZeroPoint,
      });
      const table = write.data(4);
      const active =
        table.length === 2 ** a.tableBits
          ? raiseActivation(a.activation, index, write)
          : lookedUp(index, table as Uint8Array, a, write);
      write.quantizer(undefined, active, output);
    } else if (a.residual) {
      write.quantizer(undefined, write.part('sum', 'AddV2', [product, inputs.at(-1)!]), output);
    } else {
      write.quantizer(undefined, product, output);
    }
  },

  CqDynamicLinear({ inputs, attrs }, write) {
    const a = attrs as DynamicLinearAttrs;
    const rows = write.part('rows', 'CqFakeQuantize', [inputs[0]!], { kind: 'dynamic', bits: a.bits });
    raiseFloatProduct(rows, a, a.inputs, inputs[3]!, write);
  },

  CqFloatLinear({ inputs, attrs }, write) {
    const a = attrs as FloatLinearAttrs;
    raiseFloatProduct(inputs[0]!, a, a.group, inputs[3]!, write);
  },

  CqLayerNorm({ inputs, attrs }, write) {
    const { epsilon, bits, zeroPoint, outputScale } = attrs as LayerNormAttrs;
    const [gamma, beta] = [1, 2].map((index) => (write.data(index) as Float32Array).map((x) => x * outputScale));
    const gains = write.constant('gain', [gamma!.length], gamma!);
    const offsets = write.constant('offset', [beta!.length], beta!);
    const norm = write.part('norm', 'LayerNorm', [inputs[0]!, gains, offsets], { epsilon });
    write.quantizer(undefined, norm, { bits, zeroPoint, scale: outputScale });
  },

  CqAttention(node, write) {
    const a = node.attrs as unknown as AttentionAttrs;
    raiseAttention(node, write, {
      ...a,
      logit: { bits: a.logitBits, scale: a.logitScale, zeroPoint: a.logitZeroPoint },
      probabilities: (softmax) =>
        a.probabilityKind === 'uniform' ? uniformCodes(softmax, a, write) : cells(softmax, a, write),
      output: { bits: a.bits, scale: a.outputScale, zeroPoint: a.zeroPoint },
    });
  },

  CqEmbedding({ inputs, attrs }, write, graph) {
    const { channels } = attrs as EmbeddingAttrs;
    const [table, scale] = [graph.weights.get(inputs[1]!)!, graph.weights.get(inputs[2]!)!];
    const rows = table.shape[0]!;
    const ids = { dtype: 'int32', shape: [rows], data: Int32Array.from({ length: rows }, (_, row) => row) } as const;
    const decoded = new Float32Array(rows * channels);
    CqEmbedding.reference({ ids, table, scale }, attrs as Attrs, decoded);
    const axis = write.constant('axis', [], Int32Array.of(0));
    write.last('GatherV2', [write.constant('decoded', [rows, channels], decoded), inputs[0]!, axis]);
  },

  CqAdd(node, write, graph) {
    const a = node.attrs as unknown as AddAttrs;
    const { shape } = graph.weights.get(node.inputs[1]!)!;
    const addend = (write.data(1) as Float32Array).map((x) => x * a.outputScale);
    const sum = write.part('sum', 'AddV2', [node.inputs[0]!, write.constant('decoded_addend', shape, addend)]);
    write.quantizer(undefined, sum, { bits: a.bits, scale: a.outputScale, zeroPoint: a.zeroPoint });
  },

  CqShiftLinear({ inputs, attrs }, write) {
    const a = attrs as ShiftLinearAttrs;
    const product = raiseProduct(
      inputs[0]!,
      { ...a, inputScale: 2 ** a.inputExponent, inputZeroPoint: 0 },
      powers(write.data(3)),
      write,
    );
    if (a.bits === 32) return write.last('Identity', [product]);
    if (a.tableBits === 0) {
      const sum = a.residual ? write.part('sum', 'AddV2', [product, inputs[5]!]) : product;
      return write.channels(sum, a.bits, powers(write.data(4)));
    }
    const scale = 2 ** write.data(4)[0]!;
    const index = write.quantizer('index', product, { bits: a.tableBits, scale, zeroPoint: 0 });
    const output = { bits: a.bits, scale: 2 ** a.tableExponent, zeroPoint: 0 };
    write.quantizer(undefined, raiseActivation(a.activation, index, write), output);
  },

  CqShiftLayerNorm({ inputs, attrs }, write) {
    const { epsilon, gainBits, bits, exponent } = attrs as ShiftLayerNormAttrs;
    const channels = write.data(1).length;
    const affine = (index: number): string => {
      const data = Float32Array.from(write.data(index), (value) => value * 2 ** (exponent - gainBits));
      return write.constant(`decoded_${index}`, [channels], data);
    };
    const least = Math.min(...write.data(1));
    // Something of epsilon was left, even where the integer has none of it.
    const float = (Math.max(epsilon, 0.5) * 4 ** least) / channels ** 2;
    const norm = write.part('norm', 'LayerNorm', [inputs[0]!, affine(2), affine(3)], { epsilon: float });
    write.quantizer(undefined, norm, { bits, scale: 2 ** exponent, zeroPoint: 0 });
  },

  CqShiftAttention(node, write) {
    const a = node.attrs as unknown as ShiftAttentionAttrs;
    const boundaries = a.probabilityKind === 'uniform' ? undefined : 5 + Number(a.biased) + Number(a.windows > 0);
    const level = 2 ** a.levelExponent;
    raiseAttention(node, write, {
      ...a,
      ...{ queryScale: 2 ** a.queryExponent, keyScale: 2 ** a.keyExponent, factor: 2 ** a.factorExponent },
      logit: { bits: a.logitBits, scale: 2 ** a.logitExponent, zeroPoint: 0 },
      probabilities(softmax) {
        if (boundaries === undefined) {
          const codes = { bits: a.probabilityBits, scale: 2 ** a.probabilityExponent, zeroPoint: 0 };
          return write.quantizer('probability_codes', softmax, codes, false);
        }
        const levels = Float32Array.from(write.data(4), (value) => value * level);
        const cells = Float32Array.from(write.data(boundaries), (value) => value * 2 ** -BOUNDARY_BITS);
        return write.codebook(softmax, a.probabilityBits, 1, levels, cells);
      },
      output: { bits: a.bits, scale: 2 ** a.exponent, zeroPoint: 0 },
    });
  },

  CqShiftPatchEmbed(node, write) {
    const a = node.attrs as unknown as ShiftPatchEmbedAttrs;
    const unit = powers(write.data(3));
    const positions = Float32Array.from(write.data(5), (value, i) => value * unit[i % a.outputs]!);
    const codes = { ...a, inputScale: 2 ** a.inputExponent, inputZeroPoint: 0 };
    write.channels(raisePatches(node.inputs[0]!, codes, unit, positions, write), a.bits, powers(write.data(4)));
  },

  CqPatchEmbed(node, write) {
    const a = node.attrs as unknown as PatchEmbedAttrs;
    const positions = (write.data(4) as Float32Array).map((x) => x * a.outputScale);
    const sum = raisePatches(node.inputs[0]!, a, units(a.outputScale, write), positions, write);
    write.quantizer(undefined, sum, { bits: a.bits, scale: a.outputScale, zeroPoint: a.zeroPoint });
  },
};

/** What attention ops say in different words. */
interface RaisedAttention extends Pick<
  AttentionAttrs,
  'heads' | 'depth' | 'biased' | 'windows' | 'masked' | 'queryScale' | 'keyScale' | 'factor'
> {
  readonly logit: QuantizeAttrs;
  /** Puts their quantizer on the probabilities. */
  probabilities(softmax: string): string;
  readonly output: QuantizeAttrs;
}

function raiseAttention({ inputs }: Node, write: Writer, a: RaisedAttention): void {
  const [q, k, v] = inputs as [string, string, string];
  const shape = { heads: a.heads, depth: a.depth, tokens: -1 };
  const products = write.part('logits', 'AttentionLogits', [q, k], { ...shape, factor: a.factor });
  const biased = a.biased ? write.part('biased', 'AddV2', [products, floatBias(5, a, write)]) : products;
  const logits = write.quantizer('logit_codes', biased, a.logit);
  const seen = a.windows > 0 ? withoutUnseen(a.biased ? 6 : 5, logits, a, write) : logits;
  const masked = a.masked ? write.part('masked', 'AddV2', [seen, additiveMask(inputs.at(-1)!, write)]) : seen;
  const probabilities = a.probabilities(write.part('softmax', 'Softmax', [masked]));
  write.quantizer(undefined, write.part('context', 'AttentionContext', [probabilities, v], shape), a.output);
}

/** Patches of an image times a weight, with class tokens and positions added. */
function raisePatches(
  image: string,
  a: ProductAttrs & PatchSizes & { readonly prefix: number },
  unit: Float64Array,
  positions: Float32Array,
  write: Writer,
): string {
  const rows = positions.length / a.outputs;
  const suffix = rows - a.prefix - a.rows * a.columns;
  const channels = a.inputs / (a.patch * a.patch);
  const grid = { size: a.patch, channels, rows: a.rows, columns: a.columns };
  const patches = write.part('patches', 'Patches', [image], grid);
  const product = raiseProduct(patches, a, unit, write);
  const paddings = write.constant('paddings', [3, 2], Int32Array.of(0, 0, a.prefix, suffix, 0, 0));
  const padded = write.part('padded', 'Pad', [product, paddings]);
  return write.part('sum', 'AddV2', [padded, write.constant('positions', [1, rows, a.outputs], positions)]);
}

const powers = (exponents: Weight['data']): Float64Array => Float64Array.from(exponents, (exponent) => 2 ** exponent);

function uniformCodes(softmax: string, a: AttentionAttrs, write: Writer): string {
  const codes = { bits: a.probabilityBits, scale: a.probabilityScale, zeroPoint: 0 };
  return write.quantizer('probability_codes', softmax, codes, false);
}

/** Other kinds as a codebook: the levels are counts of a unit. */
function cells(softmax: string, a: AttentionAttrs, write: Writer): string {
  const unit = (a.outputMultiplier * a.outputScale) / (a.probabilityScale * a.valueScale);
  const levels = Float32Array.from(write.data(4), (level) => level * unit);
  const boundaries = write.data(5 + Number(a.biased) + Number(a.windows > 0));
  return write.codebook(softmax, a.probabilityBits, a.probabilityScale, levels, boundaries as Float32Array);
}

/** The bias of the logits, from units of the products to numbers. */
function floatBias(index: number, { heads, queryScale, keyScale, factor }: RaisedAttention, write: Writer): string {
  const units = write.data(index);
  const tokens = Math.sqrt(units.length / heads);
  const bias = Float32Array.from(units, (value) => value * queryScale * keyScale * factor);
  return write.constant('decoded_bias', [heads, tokens, tokens], bias);
}

/** Takes 10000 from the logits of keys that a query of its window does not look at. */
function withoutUnseen(index: number, logits: string, { heads, windows }: RaisedAttention, write: Writer): string {
  const visible = write.data(index);
  const tokens = Math.sqrt(visible.length / windows);
  const mask = Float32Array.from(visible, (sees) => (sees === 0 ? -10_000 : 0));
  const shape = (part: string, sizes: readonly number[]): string =>
    write.constant(part, [sizes.length], Int32Array.from(sizes));
  const stored = write.constant('windows/mask', [windows, 1, tokens, tokens], mask);
  const apart = write.part('windows/apart', 'Reshape', [
    logits,
    shape('windows/split', [-1, windows, heads, tokens, tokens]),
  ]);
  const sum = write.part('windows/masked', 'AddV2', [apart, stored]);
  return write.part('windows/together', 'Reshape', [sum, shape('windows/join', [-1, heads, tokens, tokens])]);
}

/** 1 = keep, int32 [batch, tokens] → 0 and −10000, float32 [batch, 1, 1, tokens]. */
function additiveMask(mask: string, write: Writer): string {
  const float = { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' } };
  const kept = write.part('mask/cast', 'Cast', [mask], float);
  const dropped = write.part('mask/sub', 'Sub', [write.constant('mask/one', [], Float32Array.of(1)), kept]);
  const bias = write.part('mask/mul', 'Mul', [dropped, write.constant('mask/masked', [], Float32Array.of(-10_000))]);
  const axis = write.constant('mask/axis', [], Int32Array.of(1));
  return write.part('mask/heads', 'ExpandDims', [write.part('mask/queries', 'ExpandDims', [bias, axis]), axis]);
}

/** What 1 of each accumulator is: multiplier[n] · target. */
const units = (target: number, write: Writer): Float64Array =>
  Float64Array.from(write.data(3), (multiplier) => multiplier * target);

/** x · w + b of accumulators in units of `unit`: w[k, n] = code · unit[n] / s_x and b the rest of the bias. */
function raiseProduct(
  x: string,
  { inputs, outputs, weightBits, inputScale, inputZeroPoint }: ProductAttrs,
  unit: Float64Array,
  write: Writer,
): string {
  const codes = fromPanels(write.data(1) as Uint8Array, outputs, inputs, weightBits);
  const bias = write.data(2);
  const weights = new Float32Array(sizeOf([inputs, outputs]));
  const biases = new Float32Array(outputs);
  for (let n = 0; n < outputs; n++) {
    let sum = 0;
    for (let k = 0; k < inputs; k++) {
      const code = codes[n * inputs + k]!;
      weights[k * outputs + n] = (code * unit[n]!) / inputScale;
      sum += code;
    }
    biases[n] = (bias[n]! + inputZeroPoint * sum) * unit[n]!;
  }
  const product = write.part('product', 'MatMul', [x, write.constant('decoded', [inputs, outputs], weights)]);
  return write.part('biased', 'BiasAdd', [product, write.constant('decoded_bias', [outputs], biases)]);
}

type ProductAttrs = Pick<LinearAttrs, 'inputs' | 'outputs' | 'weightBits' | 'inputScale' | 'inputZeroPoint'>;

/** What several tables give for index codes that a quantizer has left: parts of the outputs have one each. */
function lookedUp(index: string, table: Uint8Array, a: LinearAttrs, write: Writer): string {
  const size = 2 ** a.tableBits;
  const each = (a.outputs * size) / table.length;
  const entries = Float32Array.from(
    new Int8Array(table.buffer, table.byteOffset, table.length),
    (code) => (code - a.zeroPoint) * a.outputScale,
  );
  const starts = Float32Array.from(
    { length: a.outputs },
    (_, n) => Math.floor(n / each) * size + size / 2 + a.tableZeroPoint,
  );
  const codes = write.part('codes', 'Mul', [index, write.constant('unit', [], Float32Array.of(1 / a.tableScale))]);
  const places = write.part('places', 'AddV2', [codes, write.constant('starts', [a.outputs], starts)]);
  const whole = write.part('whole', 'Cast', [write.part('rounded', 'Round', [places])], {
    SrcT: { type: 'DT_FLOAT' },
    DstT: { type: 'DT_INT32' },
  });
  const axis = write.constant('axis', [], Int32Array.of(0));
  return write.part('entries', 'GatherV2', [write.constant('decoded_table', [table.length], entries), whole, axis]);
}

/** x · w + bias, with w[k, n] = code · scale[n, ⌊k / group⌋]. */
function raiseFloatProduct(
  x: string,
  { inputs, outputs, weightBits }: PanelAttrs,
  group: number,
  bias: string,
  write: Writer,
): void {
  const codes = fromPanels(write.data(1) as Uint8Array, outputs, inputs, weightBits);
  const scales = write.data(2) as Float32Array;
  const groups = scales.length / outputs;
  const weights = Float32Array.from(codes, (code, i) => {
    const [n, k] = [Math.floor(i / inputs), i % inputs];
    return code * scales[n * groups + Math.floor(k / group)]!;
  });
  const decoded = write.constant('decoded', [outputs, inputs], weights);
  write.last('BiasAdd', [write.part('product', 'MatMul', [x, decoded], { transpose_b: true }), bias]);
}

function raiseActivation(kind: string, input: string, write: Writer): string {
  if (kind === 'gelu' || kind === 'gelu_tanh')
    return write.part('gelu', 'Gelu', [input], { approximate: kind === 'gelu_tanh' });
  const op = stockActivations[kind];
  if (!op)
    throw new CqError(
      `raise: activation "${kind}" is not known; known are gelu, gelu_tanh, ${Object.keys(stockActivations).join(', ')}`,
    );
  return write.part(kind, op, [input]);
}

const stockActivations: Readonly<Record<string, string>> = {
  relu: 'Relu',
  relu6: 'Relu6',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  elu: 'Elu',
};
