import { quantizerOf, type Graph, type Parameter } from '@cq/core';

/** Rates beside that of weights, as a part of it. */
const RATES = { scale: 1, activation: 2, other: 2 } as const;

/** All that is trained, each with a rate that suits its size: weights and scales of quantizers of `bits`, biases and norms. */
export function trainedIn(part: Graph, bits: number, rate: number): Parameter[] {
  const found = new Map<string, Parameter>();
  for (const { op, inputs, name, attrs } of part.nodes.values()) {
    if (op === 'CqFakeQuantize') {
      const quantizer = quantizerOf(part, name);
      const scale = part.weights.get(inputs[1]!);
      if (!scale || attrs['bits'] !== bits || quantizer?.kind === 'dynamic' || quantizer?.kind === 'codebook') continue;
      const size = meanSize(scale.data);
      const weight = part.weights.get(inputs[0]!);
      if (weight?.dtype === 'float32') {
        found.set(weight.name, { name: weight.name, rate: rate * size });
        found.set(scale.name, { name: scale.name, rate: RATES.scale * rate * size, least: size / 64 });
      } else found.set(scale.name, { name: scale.name, rate: RATES.activation * rate * size, least: size / 16 });
    } else if (op === 'LayerNorm' || op === 'BiasAdd') {
      for (const input of inputs.slice(1)) {
        const weight = part.weights.get(input);
        if (weight?.dtype === 'float32' && !found.has(input)) {
          found.set(input, { name: input, rate: RATES.other * rate * Math.max(1e-3, meanSize(weight.data)) });
        }
      }
    }
  }
  return [...found.values()];
}

const meanSize = (data: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += Math.abs(data[i]!);
  return sum / data.length;
};
