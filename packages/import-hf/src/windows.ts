import { integers, pad, permute, reshape, slice, type Draft } from './draft.ts';

/** A picture of tokens that is cut into square windows, after a shift around its borders. */
export interface Windows {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Side of a window, in tokens. */
  readonly side: number;
  /** By how many tokens up and left the picture is shifted before it is cut; what falls off comes in again. */
  readonly shift: number;
}

/** Sides of the picture once it is padded, below and right, to whole windows. */
export const paddedSides = ({ height, width, side }: Windows): [height: number, width: number] => [
  Math.ceil(height / side) * side,
  Math.ceil(width / side) * side,
];

export function windowCount(windows: Windows): number {
  const [height, width] = paddedSides(windows);
  return (height * width) / windows.side ** 2;
}

/** [batch, height · width, channels] → [batch · windows, side², channels] */
export function partition(draft: Draft, at: string, x: string, windows: Windows): string {
  const { height, width, channels, side, shift } = windows;
  const [tall, wide] = paddedSides(windows);
  if (height === side && width === side) return x; // the whole picture is one window
  let y = reshape(draft, `${at}/picture/Reshape`, x, [-1, height, width, channels]);
  if (tall > height || wide > width) {
    y = pad(draft, `${at}/Pad`, y, [[0, 0], [0, tall - height], [0, wide - width], [0, 0]]); // prettier-ignore
  }
  y = rolled(draft, at, y, windows, shift);
  y = reshape(draft, `${at}/split/Reshape`, y, [-1, tall / side, side, wide / side, side, channels]);
  y = permute(draft, `${at}/Transpose`, y, [0, 1, 3, 2, 4, 5]); // window row, window column, row, column
  return reshape(draft, `${at}/Reshape`, y, [-1, side * side, channels]);
}

/** The way back: [batch · windows, side², channels] → [batch, height · width, channels] */
export function reverse(draft: Draft, at: string, x: string, windows: Windows): string {
  const { height, width, channels, side, shift } = windows;
  const [tall, wide] = paddedSides(windows);
  if (height === side && width === side) return x;
  let y = reshape(draft, `${at}/split/Reshape`, x, [-1, tall / side, wide / side, side, side, channels]);
  y = permute(draft, `${at}/Transpose`, y, [0, 1, 3, 2, 4, 5]);
  y = reshape(draft, `${at}/picture/Reshape`, y, [-1, tall, wide, channels]);
  y = rolled(draft, at, y, windows, -shift);
  if (tall > height || wide > width) y = slice(draft, `${at}/Slice`, y, [0, 0, 0, 0], [-1, height, width, -1]);
  return reshape(draft, `${at}/Reshape`, y, [-1, height * width, channels]);
}

/** Shifts both sides of [batch, height, width, channels] around the borders: what was at `by` comes first. */
function rolled(draft: Draft, at: string, x: string, windows: Windows, by: number): string {
  if (by === 0) return x;
  const [tall, wide] = paddedSides(windows);
  const down = rolledAxis(draft, `${at}/rows`, x, 1, (by + tall) % tall);
  return rolledAxis(draft, `${at}/columns`, down, 2, (by + wide) % wide);
}

/** TensorFlow.js has no Roll: the two parts change places. */
function rolledAxis(draft: Draft, at: string, x: string, axis: number, by: number): string {
  const along = (value: number, elsewhere: number): number[] =>
    [0, 1, 2, 3].map((each) => (each === axis ? value : elsewhere));
  const behind = slice(draft, `${at}/behind/Slice`, x, along(by, 0), [-1, -1, -1, -1]);
  const front = slice(draft, `${at}/front/Slice`, x, [0, 0, 0, 0], along(by, -1));
  const stored = integers(draft, `${at}/axis`, [axis], []);
  return draft.graph.node(`${at}/ConcatV2`, 'ConcatV2', [behind, front, stored]);
}
