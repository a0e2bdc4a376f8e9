import { CqError } from '../errors.ts';
import type { Graph, Node, Weight } from '../graph.ts';
import type { QuantizeAttrs } from '../runtime/quantize.ts';

/** Writes the chain of one integer node; its last node takes the integer node's name. */
export interface Writer {
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

export function writer(graph: Graph, node: Node, nodes: Node[], weights: Weight[]): Writer {
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
