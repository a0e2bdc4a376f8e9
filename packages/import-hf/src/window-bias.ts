import { paddedSides, type Windows } from './windows.ts';

/** What Hugging Face adds to the logit of two tokens that only the shift made neighbours. */
const APART = -100;

/**
 * The table's row for the way from each token of a window to each other: [(2 side − 1)², heads] → [heads, side², side²].
 * @param table What was learned for every step (rows, columns), each from −(side − 1) to side − 1.
 */
export function relativePositionBias(table: Float32Array, heads: number, side: number): Float32Array {
  const tokens = side * side;
  const bias = new Float32Array(heads * tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    for (let key = 0; key < tokens; key++) {
      const rows = Math.floor(query / side) - Math.floor(key / side) + side - 1;
      const columns = (query % side) - (key % side) + side - 1;
      const step = rows * (2 * side - 1) + columns;
      for (let head = 0; head < heads; head++) {
        bias[(head * tokens + query) * tokens + key] = table[step * heads + head]!;
      }
    }
  }
  return bias;
}

/** Keeps tokens of a shifted window apart that lie at opposite borders of the picture: [windows, side², side²] */
export function shiftMask(windows: Windows): Float32Array {
  const { side, shift } = windows;
  const [height, width] = paddedSides(windows);
  /** What lies in front of the last window, in it, and in the part that the shift brought in from the other border. */
  const part = (position: number, length: number): number =>
    position < length - side ? 0 : position < length - shift ? 1 : 2;
  const across = width / side;
  const tokens = side * side;
  const count = (height * width) / tokens;
  const region = (window: number, token: number): number => {
    const row = Math.floor(window / across) * side + Math.floor(token / side);
    const column = (window % across) * side + (token % side);
    return 3 * part(row, height) + part(column, width);
  };
  const mask = new Float32Array(count * tokens * tokens);
  let at = 0;
  for (let window = 0; window < count; window++) {
    for (let query = 0; query < tokens; query++) {
      for (let key = 0; key < tokens; key++) {
        mask[at++] = region(window, query) === region(window, key) ? 0 : APART;
      }
    }
  }
  return mask;
}
