import type { io } from '@tensorflow/tfjs-core';
import { narrowIntegers } from './artifacts/narrow-integers.ts';
import { toArtifacts } from './to-artifacts.ts';
import { decompose } from './decompose.ts';
import type { Graph, Metadata } from './graph.ts';

/**
 * Graph → a standard TensorFlow.js graph model. Lowered nodes keep their codes as bytes, integers take no more than their
 * range needs; whatever stayed float is written as stock ops. The same graph gives the same bytes: no times, no machine.
 */
export function pack(graph: Graph, metadata: Metadata = graph.metadata): io.ModelArtifacts {
  return narrowIntegers(toArtifacts(decompose({ ...graph, metadata })));
}
