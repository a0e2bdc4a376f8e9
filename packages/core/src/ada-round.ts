import { matMul, tensor2d, tidy, type Tensor2D } from '@tensorflow/tfjs-core';
import { adamStep, startMoments, type Moments } from './adam.ts';
import type { Gram } from './gram.ts';
import { codeRange, clamp } from './runtime/arithmetic.ts';
import { checkedProblem, type CheckedProblem, type RoundingProblem } from './rounding.ts';

/** How rounding is learned (Nagel et al. 2020). */
export interface AdaRoundOptions {
  /** Steps of Adam on V. The default, the paper's 10,000, takes minutes for a large layer. */
  readonly iterations?: number;
  /** Step size of Adam on V. */
  readonly rate?: number;
  /** Weight of the penalty that drives every h(V) to 0 or 1. */
  readonly penalty?: number;
  /** Exponent of the penalty: from the first to the second, linearly after the warm-up. */
  readonly beta?: readonly [from: number, to: number];
  /** Fraction of the iterations without penalty. */
  readonly warmUp?: number;
  /** Told the iterations done and their total. */
  readonly progress?: (done: number, total: number) => void;
  /** Ends the work. */
  readonly signal?: AbortSignal;
}

/**
 * Learns for every weight whether it goes to the code below or above: codes [inputs, outputs].
 *
 *     Ŵ = s · (clip(⌊W/s⌋ + h(V) + z) − z),   h(V) = clip(1.2 σ(V) − 0.1, 0, 1),   at the end 1 if V ≥ 0
 *     loss = tr(ΔWᵀ H ΔW) / tokens + penalty · Σ (1 − |2 h(V) − 1|^β)
 *
 * by Adam on V. The mean squared output error over tokens and its gradient, 2 H ΔW / tokens, come from the Gram matrix, so
 * an iteration touches no token. Its matrix product runs on TensorFlow.js's current backend.
 * Source: Nagel et al. 2020 (AdaRound), eq. 21–25, with β and warm-up of its published implementation.
 */
export async function adaRound(
  problem: RoundingProblem,
  gram: Gram,
  {
    iterations = 10_000,
    rate = 1e-3,
    penalty = 0.01,
    beta = [20, 2],
    warmUp = 0.2,
    progress,
    signal,
  }: AdaRoundOptions = {},
): Promise<Int32Array> {
  const checked = checkedProblem('ada-round', problem, gram);
  const state = startState(checked);
  const curvature = scaledCurvature(checked.inputs, gram);
  let yielded = performance.now();
  try {
    for (let i = 0; i < iterations; i++) {
      signal?.throwIfAborted();
      const late = (i / iterations - warmUp) / (1 - warmUp);
      const exponent = late < 0 ? undefined : beta[0] + (beta[1] - beta[0]) * late;
      step(state, curvature, i + 1, rate, exponent, penalty);
      if (performance.now() - yielded > 50) {
        progress?.(i + 1, iterations);
        await new Promise((resolve) => setTimeout(resolve, 0));
        yielded = performance.now();
      }
    }
  } finally {
    curvature.dispose();
  }
  return hardCodes(checked, state);
}

// Read once: looked up on the global object, they would cost more than they compute.
const { abs, exp, log } = Math;

/** All arrays: [outputs, inputs], so that the product with H has its constant on the right. */
interface State {
  readonly outputs: number;
  readonly inputs: number;
  readonly v: Float32Array;
  readonly gradient: Float32Array;
  readonly moments: Moments;
  /** ⌊W/s⌋ + z, before clipping. */
  readonly floor: Float32Array;
  /** Where h may act. 0: nowhere to go, the weight stays clipped or masked. */
  readonly free: Uint8Array;
  /** Where h still changes. Once it has left (0, 1) its gradient is 0, so that it never comes back. */
  readonly active: Uint8Array;
  /** ΔW where h is not active; s · (clipped floor − z) − W, to which h is added, where it is. */
  readonly offset: Float32Array;
  /** One scale per output. */
  readonly scale: Float32Array;
  /** σ(V) of the current iteration. */
  readonly sigmoid: Float32Array;
  readonly delta: Float32Array;
}

function startState({ inputs, outputs, values, quantizer, mask, channelOf }: CheckedProblem): State {
  const size = inputs * outputs;
  const [low, high] = codeRange(quantizer.bits, quantizer.signed);
  const arrays = () => new Float32Array(size);
  const [v, floor, offset, free] = [arrays(), arrays(), arrays(), new Uint8Array(size)];
  const scale = Float32Array.from({ length: outputs }, (_, n) => quantizer.scale[channelOf(n)]!);
  for (let n = 0; n < outputs; n++) {
    const zero = quantizer.zeroPoint[channelOf(n)]!;
    for (let k = 0; k < inputs; k++) {
      const [from, to] = [k * outputs + n, n * inputs + k];
      const quotient = Math.fround(values[from]! / scale[n]!);
      const below = Math.floor(quotient);
      floor[to] = below + zero;
      v[to] = startOf(quotient - below);
      offset[to] = scale[n]! * (clamp(below + zero, low, high) - zero) - values[from]!;
      free[to] = below + zero >= low && below + zero < high && mask?.[from] !== 0 ? 1 : 0;
    }
  }
  const [gradient, sigmoid, delta] = [arrays(), arrays(), arrays()];
  const moments = startMoments(size);
  return { inputs, outputs, v, floor, offset, free, active: free.slice(), scale, gradient, moments, sigmoid, delta };
}

/** 2 H / tokens, [inputs, inputs]. */
function scaledCurvature(inputs: number, { matrix, size, tokens }: Gram): Tensor2D {
  const values = new Float32Array(inputs * inputs);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < inputs; j++) values[i * inputs + j] = (2 * matrix[i * size + j]!) / tokens;
  }
  return tensor2d(values, [inputs, inputs]);
}

/** One step of Adam; `exponent` is β, or undefined while warming up. */
function step(
  state: State,
  curvature: Tensor2D,
  count: number,
  rate: number,
  exponent: number | undefined,
  penalty: number,
): void {
  const { inputs, outputs, v, gradient, moments, active, offset, scale, sigmoid, delta } = state;
  for (let n = 0, i = 0; n < outputs; n++) {
    const unit = scale[n]!;
    for (let k = 0; k < inputs; k++, i++) {
      delta[i] = offset[i]!;
      if (active[i] === 0) continue;
      sigmoid[i] = 1 / (1 + exp(-v[i]!));
      delta[i]! += unit * clamp(1.2 * sigmoid[i]! - 0.1, 0, 1);
    }
  }
  const product = tidy(() => matMul(tensor2d(delta, [outputs, inputs]), curvature));
  const slopes = product.dataSync<'float32'>();
  product.dispose();
  for (let n = 0, i = 0; n < outputs; n++) {
    const unit = scale[n]!;
    for (let k = 0; k < inputs; k++, i++) {
      gradient[i] = 0;
      if (active[i] === 0) continue;
      const gate = sigmoid[i]!;
      const h = 1.2 * gate - 0.1;
      if (h > 0 && h < 1) {
        const side = 2 * h - 1;
        const pull = exponent === undefined ? 0 : 2 * penalty * exponent * abs(side) ** (exponent - 1);
        gradient[i] = (slopes[i]! * unit - (side < 0 ? -pull : pull)) * 1.2 * gate * (1 - gate);
      } else if (h > 0 ? moments.first[i]! <= 0 : moments.first[i]! >= 0) {
        active[i] = 0;
        if (h > 0) offset[i]! += unit;
      }
    }
  }
  adamStep(v, gradient, moments, count, rate);
}

function hardCodes({ quantizer }: CheckedProblem, { inputs, outputs, v, floor, free }: State): Int32Array {
  const [low, high] = codeRange(quantizer.bits, quantizer.signed);
  const codes = new Int32Array(inputs * outputs);
  for (let n = 0; n < outputs; n++) {
    for (let k = 0; k < inputs; k++) {
      const from = n * inputs + k;
      codes[k * outputs + n] = clamp(floor[from]! + (free[from] && v[from]! >= 0 ? 1 : 0), low, high);
    }
  }
  return codes;
}

/** h(V), the rectified sigmoid. */
export function rectified(v: number): number {
  return clamp(1.2 / (1 + exp(-v)) - 0.1, 0, 1);
}

/** The V with h(V) = fraction, for a fraction in [0, 1). */
export function startOf(fraction: number): number {
  return -log(1.2 / (fraction + 0.1) - 1);
}

/** What one weight adds to the penalty: 0 where h is 0 or 1, 1 at 0.5. */
export function penaltyOf(h: number, beta: number): number {
  return 1 - abs(2 * h - 1) ** beta;
}
