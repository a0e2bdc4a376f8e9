import type { io } from '@tensorflow/tfjs-core';
import { excerpt, sizeOf } from '../runtime/op.ts';
import { entropyCoded, entropyDecoded, MOST_TIMES } from './entropy.ts';
import { eachWeight } from './each-weight.ts';
import { reader } from './json-reader.ts';
import { readSpec } from './weights.ts';

/** An entry of the manifest whose bytes are an entropy code: `shape` is that of the code, `coded` says what it stands for. */
type CodedEntry = io.WeightsManifestEntry & { readonly coded: { readonly shape: readonly number[] } };

/** Fewer bytes of one weight are not worth it: the table of the code alone has 512. */
const LEAST_BYTES = 2 ** 16;

/** The share of one value from which codes count as masked. Without a mask no value of 8 bits has as much as 7 %. */
const MASKED = 1 / 4;

/**
 * Stores masked weights by their entropy: large ones, a quarter or more of whose bytes are one value, where that is smaller.
 * For what `pack` gives. TensorFlow.js's own loaders do not know such a model: `decodeCodes` undoes it, as `fromFolder` and
 * `@cq/tasks` do by themselves. The same artifacts give the same bytes.
 */
export function codeSparse(artifacts: io.ModelArtifacts): io.ModelArtifacts {
  return eachWeight(artifacts, 'model', ({ spec, bytes }) => {
    if (spec.dtype !== 'bool' || bytes.length < LEAST_BYTES || !isMasked(bytes)) return { spec, bytes };
    const code = entropyCoded(bytes);
    if (code.length >= bytes.length || bytes.length > MOST_TIMES * code.length) return { spec, bytes };
    const coded: CodedEntry = { ...spec, shape: [code.length], coded: { shape: spec.shape } };
    return { spec: coded, bytes: code };
  });
}

/**
 * The artifacts as TensorFlow.js takes them, the same ones if nothing is coded.
 * @param source What errors call the model.
 * @throws CqError if a code is damaged.
 */
export function decodeCodes(artifacts: io.ModelArtifacts, source = 'model'): io.ModelArtifacts {
  if (!artifacts.weightSpecs?.some((spec) => 'coded' in spec)) return artifacts;
  return eachWeight(artifacts, source, ({ spec: given, bytes }) => {
    const { coded, shape } = readSpec(given, reader(source));
    if (coded === undefined) return { spec: given, bytes };
    const { name, dtype } = given;
    const decoded = entropyDecoded(bytes, sizeOf(shape), `${source}: weight ${excerpt(name)}`);
    return { spec: { name, dtype, shape: [...shape] }, bytes: decoded };
  });
}

function isMasked(bytes: Uint8Array): boolean {
  const counts = new Float64Array(256);
  for (const byte of bytes) counts[byte]!++;
  return counts.some((count) => count >= MASKED * bytes.length);
}
