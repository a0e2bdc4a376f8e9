import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** How far a distortion goes, at most. */
export interface Distortion {
  /** Pixels, along each axis. */
  readonly shift: number;
  /** Degrees. */
  readonly rotation: number;
  /** Fraction by which each axis shrinks or grows. */
  readonly scale: number;
  /** Fraction of the height by which the top slides over the bottom. */
  readonly shear: number;
  /** Pixels by which each point of a coarse grid moves, along each axis. */
  readonly wobble: number;
}

/** A square image, written anew as another hand might have: moved, turned, stretched and bent at random. */
export function distort(
  image: Float32Array,
  side: number,
  background: number,
  distortion: Distortion,
  random: RandomGenerator,
): Float32Array {
  const within = (bound: number) => (uniformFloat64(random) * 2 - 1) * bound;
  const angle = (within(distortion.rotation) * Math.PI) / 180;
  const [scaleX, scaleY] = [1 + within(distortion.scale), 1 + within(distortion.scale)];
  const shear = within(distortion.shear);
  const [shiftX, shiftY] = [within(distortion.shift), within(distortion.shift)];
  const [bendX, bendY] = [
    smoothField(side, () => within(distortion.wobble)),
    smoothField(side, () => within(distortion.wobble)),
  ];

  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const centre = (side - 1) / 2;
  return image.map((_, index) => {
    const [x, y] = [(index % side) - centre, Math.floor(index / side) - centre];
    const sourceX = (cos * x - sin * y) * scaleX + shear * y + shiftX + bendX[index]!;
    const sourceY = (sin * x + cos * y) * scaleY + shiftY + bendY[index]!;
    return sample(image, side, background, sourceX + centre, sourceY + centre);
  });
}

const cells = 4;

/** One value per pixel, between the values drawn at the corners of `cells` × `cells` cells. */
function smoothField(side: number, draw: () => number): Float32Array {
  const corners = Float32Array.from({ length: (cells + 1) ** 2 }, draw);
  const step = cells / (side - 1);
  return Float32Array.from({ length: side * side }, (_, index) =>
    sample(corners, cells + 1, 0, (index % side) * step, Math.floor(index / side) * step),
  );
}

/** The value at a point between pixels, bilinearly. */
function sample(image: Float32Array, side: number, background: number, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = (column: number, row: number) =>
    column >= 0 && column < side && row >= 0 && row < side ? image[row * side + column]! : background;
  const mix = (a: number, b: number, part: number) => a + (b - a) * part;
  return mix(
    mix(at(left, top), at(left + 1, top), x - left),
    mix(at(left, top + 1), at(left + 1, top + 1), x - left),
    y - top,
  );
}
