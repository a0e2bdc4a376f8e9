import type { io } from '@tensorflow/tfjs-core';
import { eachWeight } from './each-weight.ts';

/**
 * Stores integers in as few bytes as their range takes: as `uint8` or `uint16` from the smallest of them up, which TensorFlow.js
 * reads back as the same int32.
 * @param artifacts With int32, float32 and bool weights as they are, and one buffer.
 */
export function narrowIntegers(artifacts: io.ModelArtifacts): io.ModelArtifacts {
  return eachWeight(artifacts, 'model', ({ spec, bytes }) => {
    const narrow = spec.dtype === 'int32' ? narrowed(new Int32Array(bytes.buffer)) : undefined;
    return narrow ? { spec: { ...spec, quantization: narrow.quantization }, bytes: narrow.bytes } : { spec, bytes };
  });
}

function narrowed(values: Int32Array) {
  const min = values.reduce((least, value) => (value < least ? value : least), 2 ** 31 - 1);
  const span = values.reduce((most, value) => (value > most ? value : most), -(2 ** 31)) - min;
  // A few numbers, such as a shape, take less as they are than with what would have to be said of them.
  if (values.length < 64 || span >= 2 ** 16) return undefined;
  const [dtype, codes] =
    span < 2 ** 8
      ? (['uint8', new Uint8Array(values.length)] as const)
      : (['uint16', new Uint16Array(values.length)] as const);
  values.forEach((value, i) => (codes[i] = value - min));
  return { quantization: { dtype, scale: 1, min }, bytes: new Uint8Array(codes.buffer) };
}
