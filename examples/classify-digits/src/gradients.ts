/**
 * The operations of a Transformer with gradients of their own. TensorFlow.js's gradient of a matrix product transposes
 * inside the product, which its wasm backend does in a scalar loop; these transpose first, and save the rest the work
 * of composed operations.
 */
import * as tf from '@tensorflow/tfjs-core';

/** y = x · weightᵀ + bias, with x `[rows, inputs]` and weight `[outputs, inputs]`. */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  return withGradient([x, weight, bias], (x, weight, bias) => ({
    value: tf.add(tf.matMul(x, tf.transpose(weight)), bias),
    saved: [x, weight],
    gradient: (dy, [x, weight]: [tf.Tensor2D, tf.Tensor2D]) => [tf.matMul(dy, weight), outer(dy, x), tf.sum(dy, 0)],
  }));
}

/** y = x · Φ(x), Φ the normal distribution by the error function, not its tanh approximation. */
export function gelu(x: tf.Tensor2D): tf.Tensor2D {
  return withGradient([x], (x) => {
    const phi = tf.add<tf.Tensor2D>(tf.mul(tf.erf(tf.mul(x, Math.SQRT1_2)), 0.5), 0.5);
    return {
      value: tf.mul(x, phi),
      saved: [x, phi],
      gradient: (dy, [x, phi]: [tf.Tensor2D, tf.Tensor2D]) => {
        const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        return [tf.mul(dy, tf.add(phi, tf.mul(x, density)))];
      },
    };
  });
}

/** y = (x − mean) / √(variance + epsilon) · scale + shift, over the last axis. */
export function layerNorm(x: tf.Tensor2D, scale: tf.Tensor1D, shift: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  return withGradient([x, scale, shift], (x, scale, shift) => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const inverse = tf.rsqrt(tf.add<tf.Tensor2D>(tf.mean(tf.square(centred), -1, true), epsilon));
    const normal = tf.mul<tf.Tensor2D>(centred, inverse);
    return {
      value: tf.add(tf.mul(normal, scale), shift),
      saved: [normal, inverse, scale],
      gradient: (dy, [normal, inverse, scale]: [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D]) => {
        const slope = tf.mul(dy, scale);
        const alongNormal = tf.mul(normal, tf.mean(tf.mul(slope, normal), -1, true));
        const dx = tf.mul(inverse, tf.sub(tf.sub(slope, tf.mean(slope, -1, true)), alongNormal));
        return [dx, tf.sum(tf.mul(dy, normal), 0), tf.sum(dy, 0)];
      },
    };
  });
}

/** `tf.customGrad` with types: of what the forward computation made, only what is `saved` lives until the gradient. */
function withGradient<Inputs extends tf.Tensor[], Saved extends [tf.Tensor, ...tf.Tensor[]]>(
  inputs: [...Inputs],
  forward: (...inputs: Inputs) => {
    value: tf.Tensor2D;
    saved: Saved;
    gradient: (dy: tf.Tensor2D, saved: Saved) => tf.Tensor[];
  },
): tf.Tensor2D {
  const apply = tf.customGrad((...inputsThenSave) => {
    const save = inputsThenSave.pop() as (tensors: tf.Tensor[]) => void;
    const { value, saved, gradient } = forward(...(inputsThenSave as Inputs));
    save(saved);
    return { value, gradFunc: (dy, saved) => gradient(dy as tf.Tensor2D, saved as Saved) };
  });
  return apply(...inputs) as tf.Tensor2D;
}

/** leftᵀ · right over many rows. The wasm product is twice as fast with the narrower matrix on the right. */
function outer(left: tf.Tensor2D, right: tf.Tensor2D): tf.Tensor2D {
  if (right.shape[1] <= left.shape[1]) return tf.matMul(tf.transpose(left), right);
  return tf.transpose(tf.matMul(tf.transpose(right), left)) as tf.Tensor2D;
}
