/** Kernels compute so many rows at once. */
const TILE_ROWS = 4;

/**
 * The first row of each part, and the end of the last. The calling thread has a thread's share. The others have theirs in two
 * parts each, so that it helps those that start late; smaller parts would read the weights too often.
 */
export function boundaries(rows: number, threads: number): readonly number[] {
  const share = (of: number): number => Math.ceil(rows / of / TILE_ROWS) * TILE_ROWS;
  const bounds = [0];
  for (let first = share(threads); first < rows; first += share(2 * threads)) bounds.push(first);
  return [...bounds, rows];
}
