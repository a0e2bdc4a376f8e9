import { biasAdd, pad, product, slice, type Draft } from './draft.ts';

export interface Patches {
  readonly channels: number;
  readonly hidden: number;
  /** Side of a patch. */
  readonly size: number;
  readonly image: readonly [height: number, width: number];
  /** Patches that the image is cut into; it is cropped or padded with zeros, behind, to what they cover. */
  readonly grid: readonly [rows: number, columns: number];
}

/** A convolution whose stride is its size, as a matrix product: [batch, channels, height, width] → [batch, patches, hidden] */
export function patchEmbeddings(draft: Draft, from: string, pixels: string, options: Patches): string {
  const { channels, hidden, size, grid } = options;
  const [rows, columns] = grid;
  const at = 'embeddings/patch_embeddings';
  const patches = draft.graph.node(`${at}/Patches`, 'Patches', [fitted(draft, at, pixels, options)], {
    ...{ size, channels, rows, columns },
  });
  const kernel = draft.checkpoint.take(`${from}.weight`, [hidden, channels, size, size]);
  const projected = product(draft, `${at}/projection`, from, patches, kernel, [channels * size * size, hidden]);
  return biasAdd(draft, `${at}/projection`, from, projected, hidden);
}

function fitted(draft: Draft, at: string, pixels: string, { image, grid, size }: Patches): string {
  const covered = grid.map((count) => count * size);
  const kept = image.map((side, axis) => Math.min(side, covered[axis]!));
  const cropped = kept.some((side, axis) => side < image[axis]!)
    ? slice(draft, `${at}/Slice`, pixels, [0, 0, 0, 0], [-1, -1, ...kept])
    : pixels;
  const missing = kept.map((side, axis) => [0, covered[axis]! - side] as const);
  return missing.some(([, behind]) => behind > 0)
    ? pad(draft, `${at}/Pad`, cropped, [[0, 0], [0, 0], ...missing])
    : cropped;
}
