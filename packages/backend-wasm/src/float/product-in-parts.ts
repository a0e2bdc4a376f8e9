import { withSharedMemory } from '../heap.ts';
import { boundaries } from '../threads/boundaries.ts';
import type { Mirror } from '../threads/mirror.ts';
import type { PoolModule } from '../threads/pool.ts';
import type { Threads } from '../threads/threads.ts';
import { floatKernelBytes, type FloatKernels } from './module.ts';
import { FLOAT, parametersOf, type Product } from './product.ts';

/**
 * A product whose rows all threads share. Every output is a sum of its own, so that it has the same bits whoever computes it.
 * Where threads cannot see the backend's heap, the operands are copied to where they can, and their rows of the result back.
 * @param scratch Memory of the calling thread.
 */
export function productInParts(kernels: FloatKernels, threads: Threads, whole: Product, scratch: number): void {
  const { pool, mirror } = threads;
  const bounds = boundaries(whole.sizes.rows, pool.threads);
  const theirs = mirror ? copy(whole, mirror, bounds[1]!) : whole;
  const part = (of: Product, i: number): Product => rowsOf(of, bounds[i]!, bounds[i + 1]!);
  const mine = (i: number): void => kernels.matMul(...parametersOf(part(whole, i), scratch));
  const parameters = Array.from({ length: bounds.length - 2 }, (_, i) => parametersOf(part(theirs, i + 1), 0));
  const bytes = kernels.matMulScratch(Math.ceil(whole.sizes.rows / pool.threads) + FLOAT, whole.sizes.depth);
  const done = pool.run(
    { module: moduleOf(threads), kernel: 'matMul', parameters, scratch: bytes },
    () => mine(0),
    (i) => mine(i + 1),
  );
  if (!mirror) return;
  for (const i of done) {
    const [from, to] = [part(theirs, i + 1), part(whole, i + 1)];
    eachRow(from, (row, size) => mirror.fetch(from.c.at + row, size, to.c.at + row));
  }
}

/** The rows from `first` to `end`. */
function rowsOf({ a, b, c, sizes, ...options }: Product, first: number, end: number): Product {
  const at = a.at + first * (a.transposed ? 1 : a.stride) * FLOAT;
  const to = { ...c, at: c.at + first * c.stride * FLOAT };
  return { ...options, a: { ...a, at }, b, c: to, sizes: { ...sizes, rows: end - first } };
}

/** Rows of c in memory, all at once if they follow each other: where they lie behind the first, and bytes. */
function eachRow({ c, sizes: { rows, columns } }: Product, visit: (offset: number, bytes: number) => void): void {
  if (c.stride === columns) return visit(0, rows * columns * FLOAT);
  for (let row = 0; row < rows; row++) visit(row * c.stride * FLOAT, columns * FLOAT);
}

/** Copies the operands, without rows before `first`, which no worker takes. */
function copy(whole: Product, mirror: Mirror, first: number): Product {
  const { a, b, c, start, more, sizes } = whole;
  const { rows, columns, depth } = sizes;
  const span = (lines: number, stride: number, length: number): number =>
    lines > 0 && length > 0 ? ((lines - 1) * stride + length) * FLOAT : 0;
  const bytes = [
    a.transposed ? span(depth, a.stride, rows) : span(rows, a.stride, depth),
    b.transposed ? span(columns, b.stride, depth) : span(depth, b.stride, columns),
    span(rows, c.stride, columns),
    start ? columns * FLOAT : 0,
  ] as const;
  const places = mirror.stage(bytes) as [number, number, number, number];
  const skipped = a.transposed ? 0 : Math.min(first * a.stride * FLOAT, bytes[0]);
  mirror.bring(a.at + skipped, bytes[0] - skipped, places[0] + skipped);
  mirror.bring(b.at, bytes[1], places[1]);
  if (start) mirror.bring(start, bytes[3], places[3]);
  const to: Product = { ...whole, a: { ...a, at: places[0] }, b: { ...b, at: places[1] }, c: { ...c, at: places[2] } };
  if (more) eachRow(whole, (row, size) => mirror.bring(c.at + row, size, to.c.at + row));
  return { ...to, start: start && places[3] };
}

const modules = new WeakMap<Threads, PoolModule>();

/** The float kernels, which workers are told of once. */
function moduleOf(threads: Threads): PoolModule {
  let module = modules.get(threads);
  if (!module) modules.set(threads, (module = threads.pool.load(withSharedMemory(floatKernelBytes()))));
  return module;
}
