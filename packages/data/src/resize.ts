/** 8-bit RGB, row-major, channels interleaved: `data[(y * width + x) * 3 + channel]`. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** How pixels are weighed, by Pillow's names. */
export type Filter = 'nearest' | 'bilinear' | 'bicubic' | 'lanczos';

/**
 * The image at another size, byte for byte what Pillow's `Image.resize` gives, which is what models were trained on:
 * a separable convolution whose support grows with the reduction (so that it does not alias), along the rows first,
 * with 22-bit fixed-point weights and rounding to 8 bits after each of the two passes. Pillow is meant up to version 12:
 * 13 takes the columns first where the height shrinks more, which rounds differently.
 *
 * Own code because nothing published computes this. sharp and the canvas use other kernels; `@jsquash/resize` has the
 * same ones but does not clip between the passes, which moved bicubic by up to 21 levels on the image of the test, and
 * it fetches its module, which Node cannot do from a file.
 */
export function resizeImage(image: RgbImage, width: number, height: number, filter: Filter): RgbImage {
  if (filter === 'nearest') return nearest(image, width, height);
  const rows = width === image.width ? image : resizeRows(image, width, weightsOf(image.width, width, filter));
  return height === rows.height ? rows : resizeColumns(rows, height, weightsOf(rows.height, height, filter));
}

/** What each output position sums: `weights[out * taps + i]` times the input at `first[out] + i`, for `i < count[out]`. */
interface Weights {
  readonly taps: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
}

const fractionBits = 22; // 32 − 8 for the pixel − 2 for kernels that exceed 1 and for the sign
const half = 1 << (fractionBits - 1);

function weightsOf(inputSize: number, outputSize: number, filter: keyof typeof kernels): Weights {
  const { support, at } = kernels[filter];
  const scale = inputSize / outputSize;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  const taps = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(outputSize);
  const count = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * taps);
  const exact = new Float64Array(taps);
  for (let out = 0; out < outputSize; out++) {
    const center = (out + 0.5) * scale;
    const start = Math.max(Math.trunc(center - reach + 0.5), 0);
    const n = Math.min(Math.trunc(center + reach + 0.5), inputSize) - start;
    let sum = 0;
    for (let i = 0; i < n; i++) sum += exact[i] = at((i + start - center + 0.5) * (1 / stretch));
    for (let i = 0; i < n; i++) {
      const weight = (sum === 0 ? exact[i]! : exact[i]! / sum) * 2 ** fractionBits;
      weights[out * taps + i] = Math.trunc(weight + (weight < 0 ? -0.5 : 0.5));
    }
    first[out] = start;
    count[out] = n;
  }
  return { taps, first, count, weights };
}

function resizeRows({ height, width: inputWidth, data }: RgbImage, width: number, table: Weights): RgbImage {
  const { taps, first, count, weights } = table;
  const input = clampedView(data);
  const output = new Uint8ClampedArray(width * height * 3); // clamps the overshoot of bicubic and lanczos
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let from = (y * inputWidth + first[x]!) * 3;
      const end = x * taps + count[x]!;
      let red = half;
      let green = half;
      let blue = half;
      for (let i = x * taps; i < end; i++) {
        const weight = weights[i]!;
        red += input[from]! * weight;
        green += input[from + 1]! * weight;
        blue += input[from + 2]! * weight;
        from += 3;
      }
      output[to] = red >> fractionBits;
      output[to + 1] = green >> fractionBits;
      output[to + 2] = blue >> fractionBits;
      to += 3;
    }
  }
  return { width, height, data: output };
}

function resizeColumns({ width, data }: RgbImage, height: number, table: Weights): RgbImage {
  const { taps, first, count, weights } = table;
  const input = clampedView(data);
  const stride = width * 3;
  const output = new Uint8ClampedArray(stride * height);
  const sums = new Int32Array(stride); // one row at a time, so that the input is read in order
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    for (let i = 0; i < count[y]!; i++) {
      const weight = weights[y * taps + i]!;
      const from = (first[y]! + i) * stride;
      for (let x = 0; x < stride; x++) sums[x]! += input[from + x]! * weight;
    }
    const to = y * stride;
    for (let x = 0; x < stride; x++) output[to + x] = sums[x]! >> fractionBits;
  }
  return { width, height, data: output };
}

function nearest(image: RgbImage, width: number, height: number): RgbImage {
  const columns = nearestPositions(image.width, width);
  const rows = nearestPositions(image.height, height);
  const output = new Uint8ClampedArray(width * height * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (rows[y]! * image.width + columns[x]!) * 3;
      output[to++] = image.data[from]!;
      output[to++] = image.data[from + 1]!;
      output[to++] = image.data[from + 2]!;
    }
  }
  return { width, height, data: output };
}

/** Adds up the step as Pillow does: a product would round differently where a position falls on a border. */
function nearestPositions(inputSize: number, outputSize: number): Int32Array {
  const step = inputSize / outputSize;
  const positions = new Int32Array(outputSize);
  for (let out = 0, at = step * 0.5; out < outputSize; out++, at += step) {
    positions[out] = Math.min(Math.trunc(at), inputSize - 1);
  }
  return positions;
}

/** One type for the loops to read, whatever the decoder gave: no copy. */
function clampedView(data: Uint8Array | Uint8ClampedArray): Uint8ClampedArray {
  return new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
}

const kernels = {
  bilinear: { support: 1, at: (x: number) => Math.max(1 - Math.abs(x), 0) },
  bicubic: { support: 2, at: bicubic },
  lanczos: { support: 3, at: (x: number) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const;

/** Keys 1981, a = −0.5. The order of the operations is Pillow's, so that the rounding is too. */
function bicubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}
