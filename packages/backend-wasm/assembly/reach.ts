import { EXPONENTIALS } from './exponentials';
import { PAIR } from './tile';

// Codes of at most 4 bits that lie between boundaries, without looking at a single share. Exponentials fall with the distance
// of a logit code from the largest, so that a boundary is a distance, one for a query: 16 codes at a time find theirs among 15
// bounds by halves, and swizzles read bounds and levels.

/** Boundaries at most. */
export const MOST_REACHED: i32 = 15;

/** Fraction bits of a float32 that a key leaves out: 32 keys for a factor of two. */
const KEY_SHIFT = 18;
const LEAST_KEY = 127 << 5;
const MOST_KEY = 158 << 5;
/** Distances by key, uint16; low and high bytes of the levels [16] each; of 4 queries bounds, int8 [16], and what `all` says. */
const LEVELS_AT: usize = ((MOST_KEY - LEAST_KEY + 1) * 2 + 15) & ~15;
const BOUNDS_AT: usize = LEVELS_AT + 32;
const ALL_AT: usize = 4 * 16;
/** Of one query: the least exponentials, int32 [16], and where their distances stand. */
const LEASTS_AT: usize = BOUNDS_AT + ALL_AT + 16;
const DISTANCES_AT: usize = LEASTS_AT + 64;
/** int32 [16] */
const BOUNDARIES_AT: usize = DISTANCES_AT + 64;
/** Of 4 queries: how many distances reach each code, int16 [16], and the largest logit code, int16. */
const FOUND_AT: usize = BOUNDARIES_AT + 64;
const MOST_AT: usize = FOUND_AT + 4 * 32;
export const REACH_BYTES: usize = MOST_AT + 16;

/** Stands for that of a code that there is not: no logit code is above its bound. */
const NEVER: i16 = -1024;

@inline
function keyOf(value: i32): i32 {
  return reinterpret<i32>(<f32>value) >> KEY_SHIFT;
}

@inline
function at(table: usize, distance: i32): i32 {
  return load<i32>(table + (<usize>distance << 2));
}

/** Whether exponentials, int32 [256], are positive numbers and zeros that never rise. */
export function neverRise(exponentials: usize): bool {
  for (let d = 1; d < EXPONENTIALS; d++) if (at(exponentials, d) > at(exponentials, d - 1)) return false;
  return at(exponentials, EXPONENTIALS - 1) >= 0;
}

/** What all queries have in common: the distances by key, and the levels. */
export function prepareReach(exponentials: usize, levels: usize, boundaries: usize, top: i32, reach: usize): void {
  memory.copy(reach + BOUNDARIES_AT, boundaries, <usize>top << 2);
  for (let at: usize = 0; at < 4 * 32; at += 2) store<i16>(reach + FOUND_AT + at, NEVER);
  let distance = 0;
  for (let key = MOST_KEY; key >= LEAST_KEY; key--) {
    while (distance < EXPONENTIALS && keyOf(at(exponentials, distance)) > key) distance++;
    store<u16>(reach + (<usize>(key - LEAST_KEY) << 1), <u16>distance);
  }
  for (let code: usize = 0; code <= <usize>top; code++) {
    store<u8>(reach + LEVELS_AT + code, load<u8>(levels + (code << 2)));
    store<u8>(reach + LEVELS_AT + 16 + code, load<u8>(levels + (code << 2), 1));
  }
}

/** How many distances are nearer than where exponentials have about this value. */
@inline
function near(reach: usize, value: i32): i32 {
  return load<u16>(reach + (<usize>(keyOf(max<i32>(value, 1)) - LEAST_KEY) << 1));
}

/** How far query `r` looks, by ⌈sum · boundary / 2^30⌉, the least exponential of every level but the first. */
export function boundLeast(sum: i32, top: i32, exponentials: usize, most: i32, reach: usize, r: i32): void {
  const found = reach + FOUND_AT + (<usize>r << 5);
  const leasts = reach + LEASTS_AT;
  const distances = reach + DISTANCES_AT;
  const sums = i32x4.splat(sum);
  const largest = i32x4.splat(i32.MAX_VALUE);
  const rest = i64x2.splat((1 << 30) - 1);
  for (let i: usize = 0; i < <usize>top << 2; i += 16) {
    const some = v128.load(reach + BOUNDARIES_AT + i);
    const low = i64x2.shr_u(i64x2.add(i64x2.extmul_low_i32x4_u(sums, some), rest), 30);
    const high = i64x2.shr_u(i64x2.add(i64x2.extmul_high_i32x4_u(sums, some), rest), 30);
    const shares = i32x4.min_u(i32x4.shuffle(low, high, 0, 2, 4, 6), largest);
    const least = sum == 0 ? largest : shares;
    const keys = i32x4.shr_u(f32x4.convert_i32x4_s(i32x4.max_s(least, i32x4.splat(1))), KEY_SHIFT);
    v128.store(leasts + i, least);
    v128.store(distances + i, i32x4.shl(i32x4.sub(keys, i32x4.splat(LEAST_KEY)), 1));
  }
  for (let i: usize = 0; i < <usize>top << 2; i += 4) {
    const least = load<i32>(leasts + i);
    let distance = <i32>load<u16>(reach + load<i32>(distances + i));
    // Most keys have one exponential at most, and those of the zeros behind the table have none: no loop has to find its end.
    distance += i32(at(exponentials, distance) >= least);
    while (at(exponentials, distance) >= least) distance++;
    store<i16>(found + (i >> 1), <i16>distance, 2);
  }
  store<i16>(reach + MOST_AT + (<usize>r << 1), <i16>(most >> 2));
}

/** The same by shares e · ratio. */
export function boundShares(ratio: f32, boundaries: usize, top: i32, exponentials: usize, most: i32, reach: usize, r: i32): void {
  const found = reach + FOUND_AT + (<usize>r << 5);
  for (let code = 1; code <= top; code++) {
    const boundary = load<f32>(boundaries + (<usize>(code - 1) << 2));
    const about = boundary / ratio;
    let distance = near(reach, about > 0 && about < 2147483648 ? <i32>about : 1);
    while (distance > 0 && !(<f32>at(exponentials, distance - 1) * ratio >= boundary)) distance--;
    while (distance < EXPONENTIALS && <f32>at(exponentials, distance) * ratio >= boundary) distance++;
    store<i16>(found + (<usize>code << 1), <i16>distance);
  }
  store<i16>(reach + MOST_AT + (<usize>r << 1), <i16>(most >> 2));
}

/**
 * From distances to the largest logit codes that do not reach, and how many codes are reached by all keys. Not at once: a processor
 * waits where it reads as one what it has just written as many.
 */
@inline
function storeBounds(reach: usize, r: usize): void {
  const largest = v128.load16_splat(reach + (r << 1), MOST_AT);
  const first = i16x8.sub(largest, v128.load(reach + (r << 5), FOUND_AT));
  const second = i16x8.sub(largest, v128.load(reach + (r << 5), FOUND_AT + 16));
  const least = i16x8.splat(i8.MIN_VALUE);
  const all = i8x16.narrow_i16x8_s(i16x8.lt_s(first, least), i16x8.lt_s(second, least));
  v128.store(reach + (r << 4), i8x16.narrow_i16x8_s(first, second), BOUNDS_AT);
  store<u8>(reach + r, <u8>popcnt<i32>(i8x16.bitmask(all)), BOUNDS_AT + ALL_AT);
}

/**
 * Levels of the logit codes of 4 queries, int16 times 4, into a tile; those of absent queries mean nothing. Where `hidden`, codes
 * below `least` are those of keys that are not looked at, whose share of 0 has the code `nothing`.
 */
export function reached(logits: usize, row: usize, count: i32, hidden: bool, least: i32, nothing: i32, reach: usize, to: usize): void {
  for (let r: usize = 0; r < 4; r++) storeBounds(reach, r);
  for (const end = logits + (<usize>count << 1); logits < end; logits += 32, to += 8 * PAIR) {
    const a = codesOf(logits, 0, hidden, least, nothing, reach);
    const b = codesOf(logits + row, 1, hidden, least, nothing, reach);
    const c = codesOf(logits + 2 * row, 2, hidden, least, nothing, reach);
    const d = codesOf(logits + 3 * row, 3, hidden, least, nothing, reach);
    const low = v128.load(reach, LEVELS_AT);
    const high = v128.load(reach, LEVELS_AT + 16);
    const a0 = chosen(low, a);
    const a1 = chosen(high, a);
    const b0 = chosen(low, b);
    const b1 = chosen(high, b);
    const c0 = chosen(low, c);
    const c1 = chosen(high, c);
    const d0 = chosen(low, d);
    const d1 = chosen(high, d);
    storeTile(to, firstHalf(a0, a1), firstHalf(b0, b1), firstHalf(c0, c1), firstHalf(d0, d1));
    storeTile(to + 4 * PAIR, secondHalf(a0, a1), secondHalf(b0, b1), secondHalf(c0, c1), secondHalf(d0, d1));
  }
}

/** Bytes by indices below 16: without a look at those that are not, where there is an instruction for it. */
@inline
function chosen(bytes: v128, indices: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(bytes, indices) : i8x16.swizzle(bytes, indices);
}

/** Of 16 keys of query `r`: how many bounds their logit codes are above. */
@inline
function codesOf(logits: usize, r: usize, hidden: bool, least: i32, nothing: i32, reach: usize): v128 {
  const bounds = v128.load(reach + (r << 4), BOUNDS_AT);
  const first = v128.load(logits);
  const second = v128.load(logits, 16);
  const codes = i8x16.narrow_i16x8_s(i16x8.shr_s(first, 2), i16x8.shr_s(second, 2));
  let found = v128.and(i8x16.gt_s(codes, v128.load8_splat(reach + (r << 4), BOUNDS_AT + 8)), i8x16.splat(8));
  found = v128.or(found, beyond(codes, bounds, found, 4));
  found = v128.or(found, beyond(codes, bounds, found, 2));
  found = v128.or(found, beyond(codes, bounds, found, 1));
  found = i8x16.max_s(found, v128.load8_splat(reach + r, BOUNDS_AT + ALL_AT));
  if (!hidden) return found;
  const lowest = i16x8.splat(<i16>(least << 2));
  const seen = i8x16.narrow_i16x8_s(i16x8.ge_s(first, lowest), i16x8.ge_s(second, lowest));
  return v128.bitselect(found, i8x16.splat(<i8>nothing), seen);
}

@inline
function beyond(codes: v128, bounds: v128, found: v128, step: i8): v128 {
  const steps = i8x16.splat(step);
  return v128.and(i8x16.gt_s(codes, chosen(bounds, v128.or(found, steps))), steps);
}

@inline
function firstHalf(low: v128, high: v128): v128 {
  return i8x16.shuffle(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

@inline
function secondHalf(low: v128, high: v128): v128 {
  return i8x16.shuffle(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** 4 pairs of 4 queries. */
@inline
function storeTile(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const ef = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const gh = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(ab, cd, 0, 2));
  v128.store(to, i64x2.shuffle(ab, cd, 1, 3), 16);
  v128.store(to, i64x2.shuffle(ef, gh, 0, 2), 32);
  v128.store(to, i64x2.shuffle(ef, gh, 1, 3), 48);
}
