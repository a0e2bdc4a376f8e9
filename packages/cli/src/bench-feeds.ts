/** An input of a model, whichever runtime has it. -1: any size. */
export interface Signature {
  readonly name: string;
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
}

/** What goes into a model, by input name. */
export type Feeds = Readonly<Record<string, Feed>>;

export interface Feed {
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Tokens of a model that takes any number of them. */
const TOKENS = 64;

/**
 * Random input, the same for every runtime: normal for floats, ones for integers, which may be indices.
 * @throws Error for an input of floats whose sizes are not fixed, or one of another batch.
 */
export function randomFeeds(inputs: readonly Signature[], batch: number, seed: number): Feeds {
  return Object.fromEntries(inputs.map((input) => [input.name, randomFeed(input, batch, seed)]));
}

function randomFeed({ name, dtype, shape: [first, ...rest] }: Signature, batch: number, seed: number): Feed {
  const sizes = rest.map((size) => (size < 0 && dtype === 'int32' ? TOKENS : size));
  if (sizes.some((size) => size < 0)) {
    throw new Error(`input "${name}" must have fixed sizes behind the batch, got [${[first, ...rest].join(', ')}]`);
  }
  if (first !== undefined && first >= 0 && first !== batch) {
    throw new Error(`input "${name}" must take a batch of ${batch}, got [${[first, ...rest].join(', ')}]`);
  }
  const shape = [batch, ...sizes];
  const size = shape.reduce((product, length) => product * length, 1);
  return { dtype, shape, data: dtype === 'int32' ? new Int32Array(size).fill(1) : normal(size, seed) };
}

/** Box and Muller's method on a 32-bit generator (mulberry32). */
function normal(size: number, seed: number): Float32Array {
  const { log, sqrt, cos, imul, PI } = Math;
  let state = seed | 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + imul(bits ^ (bits >>> 7), bits | 61);
    return (((bits ^ (bits >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return Float32Array.from({ length: size }, () => sqrt(-2 * log(uniform())) * cos(2 * PI * uniform()));
}
