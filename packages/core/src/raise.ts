import { removeDead } from './edit.ts';
import { makeGraph, type Graph, type Node, type Weight } from './graph.ts';
import { lookedUp, raiseActivation } from './raising/activation.ts';
import { cells, raiseAttention, uniformCodes } from './raising/attention.ts';
import { powers, raiseFloatProduct, raisePatches, raiseProduct, units } from './raising/product.ts';
import { writer, type Writer } from './raising/writer.ts';
import type { AddAttrs } from './runtime/add.ts';
import type { LinearAttrs } from './runtime/linear.ts';
import type { LayerNormAttrs } from './runtime/layer-norm.ts';
import type { AttentionAttrs } from './runtime/attention.ts';
import type { PatchEmbedAttrs } from './runtime/patch-embed.ts';
import { BOUNDARY_BITS, type ShiftAttentionAttrs } from './runtime/shift-attention.ts';
import type { ShiftLayerNormAttrs } from './runtime/shift-layer-norm.ts';
import type { ShiftLinearAttrs } from './runtime/shift-linear.ts';
import type { ShiftPatchEmbedAttrs } from './runtime/shift-patch-embed.ts';
import type { DynamicLinearAttrs } from './runtime/dynamic-linear.ts';
import type { FloatLinearAttrs } from './runtime/float-linear.ts';
import type { QuantizeAttrs } from './runtime/quantize.ts';
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
