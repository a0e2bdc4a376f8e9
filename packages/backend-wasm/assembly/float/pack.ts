/**
 * 4 lines of a matrix (rows of the left one, columns of the right one) side by side: to[k, line], `step` bytes from k to k.
 * Where fewer are left, the last one stands in for the others, so that nothing strange is computed and thrown away.
 * `across`: the numbers of one k are adjacent in memory, and `stride` bytes lead to the next k; else the numbers of a line
 * are adjacent, and `stride` bytes lead to the next line.
 */
export function pack4(from: usize, stride: usize, across: bool, lines: i32, depth: i32, to: usize, step: usize): void {
  const next = across ? <usize>4 : stride;
  const b = from + (lines > 1 ? next : 0);
  const c = lines > 2 ? b + next : b;
  const d = lines > 3 ? c + next : c;
  if (!across) packAlong(from, b, c, d, depth, to, step);
  else if (lines > 3) packQuads(from, stride, depth, to, step);
  else packSingles(from, b, c, d, stride, depth, to, step);
}

function packQuads(from: usize, stride: usize, depth: i32, to: usize, step: usize): void {
  for (let k = 0; k < depth; k++, from += stride, to += step) v128.store(to, v128.load(from));
}

function packSingles(a: usize, b: usize, c: usize, d: usize, stride: usize, depth: i32, to: usize, step: usize): void {
  for (let k = 0; k < depth; k++, a += stride, b += stride, c += stride, d += stride, to += step) {
    store<f32>(to, load<f32>(a));
    store<f32>(to, load<f32>(b), 4);
    store<f32>(to, load<f32>(c), 8);
    store<f32>(to, load<f32>(d), 12);
  }
}

/** Transposes 4 × 4 at a time. */
function packAlong(a: usize, b: usize, c: usize, d: usize, depth: i32, to: usize, step: usize): void {
  let k = 0;
  for (; k + 4 <= depth; k += 4, a += 16, b += 16, c += 16, d += 16) {
    const a4 = v128.load(a);
    const b4 = v128.load(b);
    const c4 = v128.load(c);
    const d4 = v128.load(d);
    const first = i32x4.shuffle(a4, b4, 0, 4, 1, 5);
    const second = i32x4.shuffle(c4, d4, 0, 4, 1, 5);
    const third = i32x4.shuffle(a4, b4, 2, 6, 3, 7);
    const fourth = i32x4.shuffle(c4, d4, 2, 6, 3, 7);
    v128.store(to, i64x2.shuffle(first, second, 0, 2));
    to += step;
    v128.store(to, i64x2.shuffle(first, second, 1, 3));
    to += step;
    v128.store(to, i64x2.shuffle(third, fourth, 0, 2));
    to += step;
    v128.store(to, i64x2.shuffle(third, fourth, 1, 3));
    to += step;
  }
  packSingles(a, b, c, d, 4, depth - k, to, step);
}
