import { removeDead } from './edit.ts';
import { CqError } from './errors.ts';
import { makeGraph, type Attr, type Graph, type Node, type Weight } from './graph.ts';
import type { QuantizeAttrs } from './runtime/quantize.ts';
import type { LinearAttrs } from './runtime/linear.ts';
import type { LayerNormAttrs } from './runtime/layer-norm.ts';
import type { AttentionAttrs } from './runtime/attention.ts';
import type { PatchEmbedAttrs } from './runtime/patch-embed.ts';
import { asInt8, fromPanels } from './runtime/panel.ts';
import { sizeOf } from './runtime/op.ts';

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
  return {
    part: (part, op, inputs, attrs) => add(`${node.name}/${part}`, op, inputs, attrs),
    last: (op, inputs, attrs) => void add(node.name, op, inputs, attrs),
    constant,
    quantizer(part, input, { bits, scale, zeroPoint }, signed = true) {
      const name = part === undefined ? node.name : `${node.name}/${part}`;
      const stored = constant(`${part ?? 'output'}/scale`, [1], Float32Array.of(scale));
      const attrs = { kind: 'uniform', bits, signed, zero_point: [zeroPoint], axis: -1 };
      return add(name, 'CqFakeQuantize', [input, stored], attrs);
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

  /** Raised codes are the values that they stand for already, raw accumulators too. Stored weights stay as they are. */
  CqDequantize({ inputs, attrs }, write, graph) {
    const [codes] = inputs as [string];
    if (graph.weights.has(codes)) write.last('CqDequantize', inputs, attrs as Record<string, Attr>);
    else write.last('Identity', [codes]);
  },

  CqLinear({ inputs, attrs }, write) {
    const a = attrs as LinearAttrs;
    const target = a.tableBits > 0 ? a.tableScale : a.outputScale;
    const product = raiseProduct(inputs[0]!, a, target, write);
    const output = { bits: a.bits, scale: a.outputScale, zeroPoint: a.zeroPoint };
    if (a.bits === 32) {
      write.last('Identity', [product]);
    } else if (a.tableBits > 0) {
      const index = write.quantizer('index', product, {
        bits: a.tableBits,
        scale: target,
        zeroPoint: a.tableZeroPoint,
      });
      write.quantizer(undefined, raiseActivation(a.activation, index, write), output);
    } else if (a.residual) {
      write.quantizer(undefined, write.part('sum', 'AddV2', [product, inputs.at(-1)!]), output);
    } else {
      write.quantizer(undefined, product, output);
    }
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
    const [q, k, v] = node.inputs as [string, string, string];
    const shape = { heads: a.heads, depth: a.depth, tokens: -1 };
    const products = write.part('logits', 'AttentionLogits', [q, k], { ...shape, factor: a.factor });
    const logitCodes = { bits: a.logitBits, scale: a.logitScale, zeroPoint: a.logitZeroPoint };
    const logits = write.quantizer('logit_codes', products, logitCodes);
    const masked = a.masked ? write.part('masked', 'AddV2', [logits, additiveMask(node.inputs[5]!, write)]) : logits;
    const softmax = write.part('softmax', 'Softmax', [masked]);
    const probabilityCodes = { bits: a.probabilityBits, scale: a.probabilityScale, zeroPoint: 0 };
    const probabilities = write.quantizer('probability_codes', softmax, probabilityCodes, false);
    const context = write.part('context', 'AttentionContext', [probabilities, v], shape);
    write.quantizer(undefined, context, { bits: a.bits, scale: a.outputScale, zeroPoint: a.zeroPoint });
  },

  CqEmbedding({ inputs }, write) {
    const table = write.data(1) as Uint8Array;
    const scale = write.data(2) as Float32Array;
    const codes = asInt8(table);
    const channels = table.length / scale.length;
    const rows = Float32Array.from(codes, (code, i) => code * scale[Math.floor(i / channels)]!);
    const decoded = write.constant('decoded', [scale.length, channels], rows);
    write.last('GatherV2', [decoded, inputs[0]!, write.constant('axis', [], Int32Array.of(0))]);
  },

  CqPatchEmbed(node, write) {
    const a = node.attrs as unknown as PatchEmbedAttrs;
    const positions = (write.data(4) as Float32Array).map((x) => x * a.outputScale);
    const rows = a.prefix + a.rows * a.columns;
    const channels = a.inputs / (a.patch * a.patch);
    const grid = { size: a.patch, channels, rows: a.rows, columns: a.columns };
    const patches = write.part('patches', 'Patches', [node.inputs[0]!], grid);
    const product = raiseProduct(patches, a, a.outputScale, write);
    const paddings = write.constant('paddings', [3, 2], Int32Array.of(0, 0, a.prefix, 0, 0, 0));
    const padded = write.part('padded', 'Pad', [product, paddings]);
    const tokens = write.constant('positions', [1, rows, a.outputs], positions);
    const output = { bits: a.bits, scale: a.outputScale, zeroPoint: a.zeroPoint };
    write.quantizer(undefined, write.part('sum', 'AddV2', [padded, tokens]), output);
  },
};

/** 1 = keep, int32 [batch, tokens] → 0 and −10000, float32 [batch, 1, 1, tokens]. */
function additiveMask(mask: string, write: Writer): string {
  const float = { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' } };
  const kept = write.part('mask/cast', 'Cast', [mask], float);
  const dropped = write.part('mask/sub', 'Sub', [write.constant('mask/one', [], Float32Array.of(1)), kept]);
  const bias = write.part('mask/mul', 'Mul', [dropped, write.constant('mask/masked', [], Float32Array.of(-10_000))]);
  const axis = write.constant('mask/axis', [], Int32Array.of(1));
  return write.part('mask/heads', 'ExpandDims', [write.part('mask/queries', 'ExpandDims', [bias, axis]), axis]);
}

/** x · w + b in units of `target`, with w[k, n] = code · multiplier[n] · target / s_x and b the rest of the bias. */
function raiseProduct(
  x: string,
  {
    inputs,
    outputs,
    inputScale,
    inputZeroPoint,
  }: Pick<LinearAttrs, 'inputs' | 'outputs' | 'inputScale' | 'inputZeroPoint'>,
  target: number,
  write: Writer,
): string {
  const codes = fromPanels(write.data(1) as Uint8Array, outputs, inputs);
  const [bias, multiplier] = [write.data(2), write.data(3)];
  const weights = new Float32Array(sizeOf([inputs, outputs]));
  const biases = new Float32Array(outputs);
  for (let n = 0; n < outputs; n++) {
    const unit = multiplier[n]! * target;
    let sum = 0;
    for (let k = 0; k < inputs; k++) {
      const code = codes[n * inputs + k]!;
      weights[k * outputs + n] = (code * unit) / inputScale;
      sum += code;
    }
    biases[n] = (bias[n]! + inputZeroPoint * sum) * unit;
  }
  const product = write.part('product', 'MatMul', [x, write.constant('decoded', [inputs, outputs], weights)]);
  return write.part('biased', 'BiasAdd', [product, write.constant('decoded_bias', [outputs], biases)]);
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
