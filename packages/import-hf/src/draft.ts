import type { Builder } from '@cq/core';
import type { Checkpoint } from './checkpoint.ts';
import { transpose } from './transpose.ts';

/** A graph that is being written, and the checkpoint whose tensors it takes. */
export interface Draft {
  readonly graph: Builder;
  readonly checkpoint: Checkpoint;
}

/** The activation functions of Hugging Face's `hidden_act` that a graph here can write. */
export const activations = ['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'relu', 'silu'] as const;

export type Activation = (typeof activations)[number];

/**
 * x: [.., inputs] ─► MatMul ─► BiasAdd: [.., outputs]
 *
 * @param at Where the nodes stand: the module of Hugging Face, with slashes.
 * @param from In front of `.weight` and `.bias`: the module as the checkpoint spells it.
 */
export function linear(
  draft: Draft,
  at: string,
  from: string,
  x: string,
  [inputs, outputs]: readonly [inputs: number, outputs: number],
  bias = true,
): string {
  const weight = draft.checkpoint.take(`${from}.weight`, [outputs, inputs]);
  const y = product(draft, at, from, x, weight, [inputs, outputs]);
  return bias ? biasAdd(draft, at, from, y, outputs) : y;
}

/** @param weight [outputs, inputs], as PyTorch keeps it */
export function product(
  { graph }: Draft,
  at: string,
  from: string,
  x: string,
  weight: Float32Array,
  [inputs, outputs]: readonly [inputs: number, outputs: number],
): string {
  const w = graph.weight(`${from}.weight`, [inputs, outputs], transpose(weight, outputs, inputs));
  return graph.node(`${at}/MatMul`, 'MatMul', [x, w]);
}

export function biasAdd({ graph, checkpoint }: Draft, at: string, from: string, x: string, outputs: number): string {
  const bias = graph.weight(`${from}.bias`, [outputs], checkpoint.take(`${from}.bias`, [outputs]));
  return graph.node(`${at}/BiasAdd`, 'BiasAdd', [x, bias]);
}

/** Over the last axis, of `size` values. */
export function layerNorm(draft: Draft, at: string, from: string, x: string, size: number, epsilon: number): string {
  return draft.graph.node(`${at}/LayerNorm`, 'LayerNorm', [x, ...gammaBeta(draft, from, size)], { epsilon });
}

export function gammaBeta({ graph, checkpoint }: Draft, from: string, size: number): string[] {
  return [`${from}.weight`, `${from}.bias`].map((name) => graph.weight(name, [size], checkpoint.take(name, [size])));
}

export function activation({ graph }: Draft, at: string, x: string, kind: Activation): string {
  if (kind === 'relu') return graph.node(`${at}/Relu`, 'Relu', [x]);
  if (kind === 'silu') return graph.node(`${at}/Mul`, 'Mul', [x, graph.node(`${at}/Sigmoid`, 'Sigmoid', [x])]);
  return graph.node(`${at}/Gelu`, 'Gelu', [x], { approximate: kind !== 'gelu' });
}

/** Shapes, axes, paddings: int32 of the given shape, one list unless told. */
export function integers(
  { graph }: Draft,
  name: string,
  values: readonly number[],
  shape: readonly number[] = [values.length],
): string {
  return graph.weight(name, shape, Int32Array.from(values));
}

export function reshape(draft: Draft, at: string, x: string, shape: readonly number[]): string {
  return draft.graph.node(at, 'Reshape', [x, integers(draft, `${at}/shape`, shape)]);
}

export function slice(draft: Draft, at: string, x: string, begin: readonly number[], size: readonly number[]): string {
  const bounds = [integers(draft, `${at}/begin`, begin), integers(draft, `${at}/size`, size)];
  return draft.graph.node(at, 'Slice', [x, ...bounds]);
}

/** @param paddings Rows or columns before and behind, per axis. */
export function pad(draft: Draft, at: string, x: string, paddings: readonly (readonly [number, number])[]): string {
  const stored = integers(draft, `${at}/paddings`, paddings.flat(), [paddings.length, 2]);
  return draft.graph.node(at, 'Pad', [x, stored]);
}

export function permute(draft: Draft, at: string, x: string, order: readonly number[]): string {
  return draft.graph.node(at, 'Transpose', [x, integers(draft, `${at}/order`, order)]);
}
