export interface AdamW {
  /** One step: changes `values` in place. */
  step(gradients: ReadonlyMap<string, Float32Array>, learningRate: number): void;
}

/**
 * Adam whose weight decay stays out of its averages; only the weights that `decays` names shrink.
 * Source: Loshchilov & Hutter 2019, with the constants of Kingma & Ba 2015.
 */
export function adamW(
  values: ReadonlyMap<string, Float32Array>,
  weightDecay: number,
  decays: (name: string) => boolean,
): AdamW {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  const first = new Map([...values].map(([name, value]) => [name, new Float32Array(value.length)]));
  const second = new Map([...values].map(([name, value]) => [name, new Float32Array(value.length)]));
  let steps = 0;
  return {
    step(gradients, learningRate) {
      steps++;
      const [unbias1, unbias2] = [1 - beta1 ** steps, 1 - beta2 ** steps];
      for (const [name, value] of values) {
        const [gradient, m, v] = [gradients.get(name)!, first.get(name)!, second.get(name)!];
        const keep = decays(name) ? 1 - learningRate * weightDecay : 1;
        for (let i = 0; i < value.length; i++) {
          m[i] = beta1 * m[i]! + (1 - beta1) * gradient[i]!;
          v[i] = beta2 * v[i]! + (1 - beta2) * gradient[i]! ** 2;
          value[i] = keep * value[i]! - (learningRate * m[i]!) / unbias1 / (Math.sqrt(v[i]! / unbias2) + epsilon);
        }
      }
    },
  };
}
