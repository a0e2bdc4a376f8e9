import type { io } from '@tensorflow/tfjs-core';
import { joined, specBytes } from './weights.ts';

/** A weight as a file has it: what the manifest says, and the bytes. */
export interface StoredWeight {
  readonly spec: io.WeightsManifestEntry;
  readonly bytes: Uint8Array;
}

/** The artifacts with every weight stored in another form, in one buffer. */
export function eachWeight(
  artifacts: io.ModelArtifacts,
  source: string,
  change: (weight: StoredWeight) => StoredWeight,
): io.ModelArtifacts {
  const { weightSpecs = [] } = artifacts;
  const pieces = bytesOf(artifacts, source);
  const changed = weightSpecs.map((spec, i) => change({ spec, bytes: pieces[i]! }));
  const weightData = new Uint8Array(changed.reduce((size, { bytes }) => size + bytes.length, 0));
  changed.reduce((start, { bytes }) => {
    weightData.set(bytes, start);
    return start + bytes.length;
  }, 0);
  return { ...artifacts, weightSpecs: changed.map(({ spec }) => spec), weightData: weightData.buffer };
}

/** The bytes of every weight in a buffer of its own, which is the one that there is where each has one. */
function bytesOf({ weightData, weightSpecs = [] }: io.ModelArtifacts, source: string): readonly Uint8Array[] {
  const sizes = weightSpecs.map((spec) => specBytes(spec, source));
  const apart = Array.isArray(weightData) && weightData.length === sizes.length;
  if (apart && weightData.every(({ byteLength }, i) => byteLength === sizes[i])) {
    return weightData.map((buffer) => new Uint8Array(buffer));
  }
  const all = joined(weightData);
  let at = 0;
  return sizes.map((size) => all.slice(at, (at += size)));
}
