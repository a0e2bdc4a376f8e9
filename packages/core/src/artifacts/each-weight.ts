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
  const all = joined(artifacts.weightData);
  const changed: StoredWeight[] = [];
  let at = 0;
  for (const spec of artifacts.weightSpecs ?? []) {
    const end = at + specBytes(spec, source);
    changed.push(change({ spec, bytes: all.slice(at, end) }));
    at = end;
  }
  const weightData = new Uint8Array(changed.reduce((size, { bytes }) => size + bytes.length, 0));
  changed.reduce((start, { bytes }) => {
    weightData.set(bytes, start);
    return start + bytes.length;
  }, 0);
  return { ...artifacts, weightSpecs: changed.map(({ spec }) => spec), weightData: weightData.buffer };
}
