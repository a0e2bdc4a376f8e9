import { attentionContext, attentionFactor, attentionLogits } from './canonicalize/attention.ts';
import { additiveMask } from './canonicalize/additive-mask.ts';
import { biasAdd, biasBeforeSplit } from './canonicalize/bias-add.ts';
import { broadcast } from './canonicalize/broadcast.ts';
import { channelsLast } from './canonicalize/channels-last.ts';
import { classToken } from './canonicalize/class-token.ts';
import { einsum } from './canonicalize/einsum.ts';
import { flattenedRows } from './canonicalize/flattened-rows.ts';
import { fusedMatMul } from './canonicalize/fused-mat-mul.ts';
import { gelu } from './canonicalize/gelu.ts';
import { identity } from './canonicalize/identity.ts';
import { layerNorm } from './canonicalize/layer-norm.ts';
import { firstRows, flatLookup, lookup } from './canonicalize/lookup.ts';
import { matMul } from './canonicalize/mat-mul.ts';
import { packed } from './canonicalize/packed.ts';
import { patchConvolution } from './canonicalize/patch-convolution.ts';
import { patches } from './canonicalize/patches.ts';
import { pieces } from './canonicalize/pieces.ts';
import { onceReshaped, reshape } from './canonicalize/reshape.ts';
import type { Rule } from './canonicalize/rule.ts';
import { inputSize } from './canonicalize/size-list.ts';
import { section, slice, squeeze } from './canonicalize/slice.ts';
import { softmax, unshiftedSoftmax } from './canonicalize/softmax.ts';
import { spelling } from './canonicalize/spelling.ts';
import { strides } from './canonicalize/strides.ts';
import { transpose } from './canonicalize/transpose.ts';
import { removeDead } from './edit.ts';
import type { Graph } from './graph.ts';

/**
 * Any exporter's form → the composite nodes that `build` lists: decomposed layer norms, GELUs, attention and patches,
 * fused and flattened matrix products become what passes look for. Structure decides, never names. `decompose` is the
 * way back; the same graph comes back if it is canonical already.
 *
 * The last node of each group gives the composite its name, so outputs and taps stay. Numbers that exporters keep as
 * float32 constants (epsilon, factor) come out as float32.
 */
export function canonicalize(graph: Graph): Graph {
  graph = removeDead(graph);
  for (;;) {
    const before = graph;
    for (const rule of rules) graph = rule(graph);
    if (graph === before) return graph;
  }
}

/** Every rule leaves less of an exporter's form than there was, so the sweeps end. Spelling first: the others rely on it. */
const rules: readonly Rule[] = [
  spelling,
  identity,
  pieces,
  section,
  strides,
  squeeze,
  slice,
  inputSize,
  onceReshaped,
  reshape,
  transpose,
  einsum,
  fusedMatMul,
  matMul,
  lookup,
  flatLookup,
  firstRows,
  broadcast,
  layerNorm,
  gelu,
  softmax,
  unshiftedSoftmax,
  flattenedRows,
  biasBeforeSplit,
  biasAdd,
  packed,
  attentionLogits,
  attentionFactor,
  attentionContext,
  additiveMask,
  patches,
  channelsLast,
  patchConvolution,
  classToken,
];
