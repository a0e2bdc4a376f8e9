import { CqError } from '@cq/core';
import { getGradient } from '@tensorflow/tfjs-core';

/** @throws CqError if TensorFlow.js's gradients are not registered. */
export function requireGradients(pass: string): void {
  if (getGradient('BatchMatMul')) return;
  throw new CqError(
    `${pass}: learning needs gradients, got none registered; in Node import @tensorflow/tfjs-layers, or set steps to 0`,
  );
}
