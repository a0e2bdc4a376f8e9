import type { io } from '@tensorflow/tfjs-core';
import { eachWeight } from './each-weight.ts';

/**
 * Stores integers in as few bytes as their range takes: as `uint8` or `uint16` from the smallest of them up, in steps of a
 * power of two that all are multiples of, which TensorFlow.js reads back as the same numbers. A float32 weight may hold
 * nothing but integers too.
 * @param artifacts With int32, float32 and bool weights as they are.
 */
export function narrowIntegers(artifacts: io.ModelArtifacts): io.ModelArtifacts {
  return eachWeight(artifacts, 'model', ({ spec, bytes }) => {
    const values = spec.quantization ? undefined : integersOf(spec.dtype, bytes.buffer as ArrayBuffer);
    const narrow = values && narrowed(values);
    return narrow ? { spec: { ...spec, quantization: narrow.quantization }, bytes: narrow.bytes } : { spec, bytes };
  });
}

/** What the buffer holds as integers, if no number of it is anything else. */
function integersOf(dtype: string, buffer: ArrayBuffer): Int32Array | undefined {
  if (dtype === 'int32') return new Int32Array(buffer);
  if (dtype !== 'float32') return undefined;
  const floats = new Float32Array(buffer);
  const integers = Int32Array.from(floats);
  return integers.every((value, i) => Object.is(value, floats[i])) ? integers : undefined;
}

function narrowed(values: Int32Array) {
  const min = values.reduce((least, value) => (value < least ? value : least), 2 ** 31 - 1);
  const span = values.reduce((most, value) => (value > most ? value : most), -(2 ** 31)) - min;
  // A few numbers, such as a shape, take less as they are than with what would have to be said of them.
  if (values.length < 64) return undefined;
  let scale = 1;
  while (span > scale && values.every((value) => (value - min) % (2 * scale) === 0)) scale *= 2;
  const codes = span / scale;
  if (codes >= 2 ** 16) return undefined;
  const [dtype, stored] =
    codes < 2 ** 8
      ? (['uint8', new Uint8Array(values.length)] as const)
      : (['uint16', new Uint16Array(values.length)] as const);
  values.forEach((value, i) => (stored[i] = (value - min) / scale));
  return { quantization: { dtype, scale, min }, bytes: new Uint8Array(stored.buffer) };
}
