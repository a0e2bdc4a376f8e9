import type { TensorInfo } from '@tensorflow/tfjs-core';
import { ensure, ensureFloats, provide, type Call } from './kernel.ts';
import { FLOAT, product, type Matrix } from './product.ts';

interface LogitsAttrs {
  readonly heads: number;
  readonly factor: number;
}

interface ContextAttrs {
  readonly factor: number;
  /** Whether p is [batch, heads, keys, queries]. */
  readonly transposed: boolean;
}

/**
 * The two products of attention, heads side by side in the channels: neither splits, transposes or merges anything. The
 * gradients of each are the other.
 *
 *     CqFusedLogits   q [batch, queries, channels], k [batch, keys, channels] → factor · q kᵀ [batch, heads, queries, keys]
 *     CqFusedContext  p [batch, heads, queries, keys], v [batch, keys, channels] → factor · p v [batch, queries, channels]
 */
export function provideHeads(): void {
  provide<LogitsAttrs>(
    'CqFusedLogits',
    () =>
      (call, { q, k }, attrs) =>
        logits(call, q!, k!, attrs),
  );
  provide<ContextAttrs>(
    'CqFusedContext',
    () =>
      (call, { p, v }, attrs) =>
        context(call, p!, v!, attrs),
  );
}

function logits(call: Call, q: TensorInfo, k: TensorInfo, { heads, factor }: LogitsAttrs): TensorInfo {
  ensureFloats('CqFusedLogits', { q, k });
  const [batch, queries, channels] = q.shape as [number, number, number];
  const keys = k.shape[1]!;
  ensure(q.shape.length === 3, 'CqFusedLogits', 'q must have 3 axes', `[${q.shape.join(', ')}]`);
  ensure(
    ...([k.shape.length === 3 && k.shape[0] === batch && k.shape[2] === channels, 'CqFusedLogits'] as const),
    ...([`k must be [${batch}, keys, ${channels}]`, `[${k.shape.join(', ')}]`] as const),
  );
  ensure(Number.isInteger(channels / heads), 'CqFusedLogits', `heads must divide ${channels} channels`, heads);
  const depth = channels / heads;
  const y = call.make([batch, heads, queries, keys]);
  const sizes = { rows: queries, columns: keys, depth };
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const to = { at: call.at(y) + (b * heads + h) * queries * keys * FLOAT, stride: keys };
      const right = { ...head(call, k, b, h, depth), transposed: true };
      product(call, head(call, q, b, h, depth), right, to, sizes, { factor });
    }
  }
  return y;
}

function context(call: Call, p: TensorInfo, v: TensorInfo, { factor, transposed }: ContextAttrs): TensorInfo {
  ensureFloats('CqFusedContext', { p, v });
  ensure(p.shape.length === 4, 'CqFusedContext', 'p must have 4 axes', `[${p.shape.join(', ')}]`);
  const [batch, heads, rows, columns] = p.shape as [number, number, number, number];
  const [queries, keys] = transposed ? [columns, rows] : [rows, columns];
  const channels = v.shape[2]!;
  ensure(
    ...([v.shape.length === 3 && v.shape[0] === batch && v.shape[1] === keys, 'CqFusedContext'] as const),
    ...([`v must be [${batch}, ${keys}, channels]`, `[${v.shape.join(', ')}]`] as const),
  );
  ensure(Number.isInteger(channels / heads), 'CqFusedContext', `${heads} heads must divide the channels`, channels);
  const depth = channels / heads;
  const y = call.make([batch, queries, channels]);
  const sizes = { rows: queries, columns: depth, depth: keys };
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const left = { at: call.at(p) + (b * heads + h) * rows * columns * FLOAT, stride: columns, transposed };
      product(call, left, head(call, v, b, h, depth), head(call, y, b, h, depth), sizes, { factor });
    }
  }
  return y;
}

/** One head of one example of [batch, tokens, channels]: [tokens, depth]. */
function head(call: Call, tensor: TensorInfo, example: number, index: number, depth: number): Matrix {
  const [, tokens, channels] = tensor.shape as [number, number, number];
  return { at: call.at(tensor) + (example * tokens * channels + index * depth) * FLOAT, stride: channels };
}
