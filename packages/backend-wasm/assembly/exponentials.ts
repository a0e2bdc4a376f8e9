// Of one query: its row of logit codes, int16 times 4, and the table of exponentials that they are offsets into.

/** Exponentials of a table, int32. */
export const EXPONENTIALS: i32 = 256;
/** Bytes of a table with as many zeros behind them, for keys that are not looked at. */
export const TABLE_BYTES: usize = 2 * 4 * EXPONENTIALS;

/** The exponentials with zeros behind them. */
export function withZeros(exponentials: usize, to: usize): void {
  memory.copy(to, exponentials, TABLE_BYTES / 2);
  memory.fill(to + TABLE_BYTES / 2, 0, TABLE_BYTES / 2);
}

/** The largest of the codes, times 4, and at least `least`, below which none is that is looked at. Fills the last 16 up with it. */
export function mostOf(row: usize, count: i32, least: i32): i32 {
  const padded = row + (<usize>((count + 15) & ~15) << 1);
  const lowest = i16x8.splat(<i16>(least << 2));
  // As eights, as which they are read again.
  for (let at = row + (<usize>(count & ~7) << 1), left = count & 7; at < padded; at += 16, left = 0) {
    const absent = i16x8.ge_s(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>left));
    v128.store(at, v128.bitselect(lowest, v128.load(at), absent));
  }
  let maxima = lowest;
  for (let at = row; at < padded; at += 32) {
    maxima = i16x8.max_s(maxima, i16x8.max_s(v128.load(at), v128.load(at, 16)));
  }
  maxima = i16x8.max_s(maxima, i64x2.shuffle(maxima, maxima, 1, 0));
  maxima = i16x8.max_s(maxima, i32x4.shuffle(maxima, maxima, 1, 0, 3, 2));
  return max<i32>(i16x8.extract_lane_s(maxima, 0), i16x8.extract_lane_s(maxima, 1));
}

/** The exponentials with zeros behind them, last to first: what comes of a code stands in the direction of the code. */
export function turned(table: usize, to: usize): void {
  for (let at: usize = 0; at < TABLE_BYTES; at += 4) store<i32>(to + TABLE_BYTES - 4 - at, load<i32>(table + at));
}

/** Σ of the exponentials; `turned`: address of that of code 0 in the table that is turned round. */
export function sumExponentials(row: usize, count: i32, turned: usize): i32 {
  let sum = 0;
  const end = row + (<usize>count << 1);
  for (; row + 16 <= end; row += 16) {
    const a = load<i32>(turned + load<i16>(row)) + load<i32>(turned + load<i16>(row, 2));
    const b = load<i32>(turned + load<i16>(row, 4)) + load<i32>(turned + load<i16>(row, 6));
    const c = load<i32>(turned + load<i16>(row, 8)) + load<i32>(turned + load<i16>(row, 10));
    const d = load<i32>(turned + load<i16>(row, 12)) + load<i32>(turned + load<i16>(row, 14));
    sum += a + b + (c + d);
  }
  for (; row < end; row += 2) sum += load<i32>(turned + load<i16>(row));
  return sum;
}

/**
 * Σ by the table itself, `table` the address of that of code 0, so that larger codes lie before it. Stores them, int32 with zeros
 * up to a multiple of 8.
 */
export function storeExponentials(row: usize, count: i32, table: usize, to: usize): i32 {
  let sum = 0;
  let left = count;
  for (; left >= 4; left -= 4, row += 8, to += 16) {
    const a = load<i32>(table - load<i16>(row));
    const b = load<i32>(table - load<i16>(row, 2));
    const c = load<i32>(table - load<i16>(row, 4));
    const d = load<i32>(table - load<i16>(row, 6));
    store<i32>(to, a);
    store<i32>(to, b, 4);
    store<i32>(to, c, 8);
    store<i32>(to, d, 12);
    sum += a + b + (c + d);
  }
  for (; left > 0; left--, row += 2, to += 4) {
    const exponential = load<i32>(table - load<i16>(row));
    store<i32>(to, exponential);
    sum += exponential;
  }
  for (const end = to + (<usize>(-count & 7) << 2); to < end; to += 4) store<i32>(to, 0);
  return sum;
}
