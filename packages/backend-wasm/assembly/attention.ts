import { codeAt, storeCode } from './codes';
import { CODES, Epilogue, SHIFT_CODES } from './epilogue';
import { keyPanels, panels, valuePanels } from './panels';
import { EPILOGUE_AT, product, SUMS_AT, TILES_AT, WIDENED } from './product';
import { encode1, encode4, encodeNumbers4, offsetOf } from './round';
import { encode1 as encodeShifted1, powerOfTwo } from './shift-epilogue';
import { dotWide, fillTiles, PAIR, WIDE_PAIR } from './tile';

@inline
function pairs(inputs: i32): i32 {
  return (inputs + 1) >> 1;
}

/** Everything is for one head and four queries; nothing is [tokens, tokens]. */
export function attentionScratch(tokens: i32, depth: i32): usize {
  return leastAt(tokens, depth) + 256 * 4;
}

/** After the tile of levels [tokens / 2][4][2] at TILES_AT, in this order. */
function queriesAt(tokens: i32): usize {
  return TILES_AT + <usize>pairs(tokens) * PAIR;
}
/** int32 [4][tokens, padded to 8] */
function logitsAt(tokens: i32, depth: i32): usize {
  return queriesAt(tokens) + <usize>pairs(depth) * PAIR;
}
/** int32 [depth, padded to 8] */
function zerosAt(tokens: i32, depth: i32): usize {
  return logitsAt(tokens, depth) + ((<usize>panels(tokens) * 8) << 4);
}
/** float64 [depth, padded to 8] */
function multipliersAt(tokens: i32, depth: i32): usize {
  return zerosAt(tokens, depth) + (<usize>panels(depth) << 5);
}
function keysAt(tokens: i32, depth: i32): usize {
  return multipliersAt(tokens, depth) + (<usize>panels(depth) << 6);
}
function valuesAt(tokens: i32, depth: i32): usize {
  return keysAt(tokens, depth) + <usize>panels(tokens) * <usize>pairs(depth) * WIDE_PAIR;
}
/** int32 [tokens] */
function keptAt(tokens: i32, depth: i32): usize {
  return valuesAt(tokens, depth) + <usize>panels(depth) * <usize>pairs(tokens) * WIDE_PAIR;
}
/** int32 [4][tokens, padded to 8] */
function biasesAt(tokens: i32, depth: i32): usize {
  return keptAt(tokens, depth) + (<usize>panels(tokens) << 5);
}
/** int32 [512]: the exponentials, then zeros */
function tableAt(tokens: i32, depth: i32): usize {
  return biasesAt(tokens, depth) + (<usize>panels(tokens) << 7);
}

/** int32 [255] */
function leastAt(tokens: i32, depth: i32): usize {
  return tableAt(tokens, depth) + 512 * 4;
}

/** Stands for the bias of a key that a query does not look at. No other is as low. */
const UNSEEN: i32 = i32.MIN_VALUE;
/** By how much the logit code of such a key lies below any other, which puts it past the table's exponentials. */
const BELOW: i32 = 256;

/** How the levels of a query's probabilities are found from its exponentials and their sum. */
const CODES_THEMSELVES = 0;
const LEVELS = 1;
const CELLS = 2;
/** Of power-of-two models: by the exact quotient, or by the least exponential of every level. */
const QUOTIENTS = 3;
const LEAST = 4;

/**
 * CqAttention of the rows `first` to `end` of q [batch · tokens, channels] with all of k and v; `q` and `y` are the addresses of
 * row `first`. Bounds are those of the codes less their zero point; `inverse` is
 * fround(1 / probabilityScale), `top` the largest code of a probability; `bias` is 0 if there is none, `visible` if all keys
 * are, `boundaries` if probabilities are uniform, `mask` if every key counts.
 */
export function attention(
  q: usize, k: usize, v: usize, exponentials: usize, levels: usize, bias: usize, visible: usize, windows: i32,
  boundaries: usize, mask: usize,
  first: i32, end: i32, tokens: i32, channels: i32, heads: i32,
  logitMultiplier: f32, logitLow: f32, logitHigh: f32, logitZeroPoint: i32, inverse: f32, top: i32,
  outputMultiplier: f32, low: f32, high: f32, zeroPoint: i32, y: usize, wide: bool, scratch: usize,
): void {
  const depth = channels / heads;
  const e = epilogue(CODES, scratch + multipliersAt(tokens, depth), low, high, zeroPoint, channels, wide, scratch);
  for (let d = 0; d < panels(depth) * 8; d++) store<f32>(e.multiplier + (<usize>d << 2), outputMultiplier);
  const nothing = encode1(0 * outputMultiplier, low, high, zeroPoint);
  const shares = boundaries != 0 ? CELLS : isIdentity(levels, top) ? CODES_THEMSELVES : LEVELS;
  attend(
    q, k, v, exponentials, levels, bias, visible, windows, boundaries, mask, first, end, tokens, channels, heads,
    logitMultiplier, logitLow, logitHigh, logitZeroPoint, shares, inverse, 0, top, nothing, y, wide, scratch,
  );
}

/** CqShiftAttention: the same with shifts to the right, and `one` = 2^−probabilityExponent; boundaries are int32. */
export function shiftAttention(
  q: usize, k: usize, v: usize, exponentials: usize, levels: usize, bias: usize, visible: usize, windows: i32,
  boundaries: usize, mask: usize,
  first: i32, end: i32, tokens: i32, channels: i32, heads: i32,
  logitShift: i32, logitLow: f32, logitHigh: f32, one: f64, top: i32,
  outputShift: i32, low: f32, high: f32, y: usize, wide: bool, scratch: usize,
): void {
  const depth = channels / heads;
  const e = epilogue(SHIFT_CODES, scratch + multipliersAt(tokens, depth), low, high, 0, channels, wide, scratch);
  for (let d = 0; d < panels(depth) * 8; d++) store<f64>(e.multiplier + (<usize>d << 3), powerOfTwo(-outputShift));
  const nothing = encodeShifted1(0, <f64>low, <f64>high);
  attend(
    q, k, v, exponentials, levels, bias, visible, windows, boundaries, mask, first, end, tokens, channels, heads,
    <f32>powerOfTwo(-logitShift), logitLow, logitHigh, 0, boundaries != 0 ? LEAST : QUOTIENTS, 0, one, top, nothing, y, wide, scratch,
  );
}

function epilogue(kind: i32, multipliers: usize, low: f32, high: f32, zeroPoint: i32, stride: i32, wide: bool, scratch: usize): Epilogue {
  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);
  e.kind = kind;
  e.multiplier = multipliers;
  e.low = low;
  e.high = high;
  e.zeroPoint = zeroPoint;
  e.stride = stride;
  e.wide = wide;
  return e;
}

/**
 * Attention with the epilogue that stands in `scratch`. Keys that do not count never reach the panels: past those, it is
 * between `tokens` queries and `count` keys. `nothing` is the code where there are none.
 */
function attend(
  q: usize, k: usize, v: usize, exponentials: usize, levels: usize, bias: usize, visible: usize, windows: i32,
  boundaries: usize, mask: usize,
  first: i32, end: i32, tokens: i32, channels: i32, heads: i32,
  logitMultiplier: f32, logitLow: f32, logitHigh: f32, logitZeroPoint: i32, shares: i32, inverse: f32, one: f64, top: i32,
  nothing: i32, y: usize, wide: bool, scratch: usize,
): void {
  const depth = channels / heads;
  const tile = scratch + TILES_AT;
  const queries = scratch + queriesAt(tokens);
  const logits = scratch + logitsAt(tokens, depth);
  const zeros = scratch + zerosAt(tokens, depth);
  const keys = scratch + keysAt(tokens, depth);
  const values = scratch + valuesAt(tokens, depth);
  const kept = scratch + keptAt(tokens, depth);
  const row = (<usize>panels(tokens) * 8) << 2;
  const adjusted = bias != 0 || visible != 0;
  const biases = adjusted ? scratch + biasesAt(tokens, depth) : 0;
  const size = tokens * tokens;
  const least = scratch + leastAt(tokens, depth);
  if (visible != 0) exponentials = withZeros(exponentials, scratch + tableAt(tokens, depth));
  for (let d = 0; d < panels(depth) * 8; d++) store<i32>(zeros + (<usize>d << 2), 0);
  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);

  for (let b = first / tokens; b * tokens < end; b++) {
    const item = b * tokens;
    const start = max<i32>(first - item, 0);
    const stop = min<i32>(end - item, tokens);
    const before = (item + start - first) * channels;
    const count = keptRows(mask, item, tokens, channels, kept);
    if (count == 0) {
      for (let c = 0; c < (stop - start) * channels; c++) storeCode(codeAt(y, before + c, wide), nothing, wide);
      continue;
    }
    for (let head = 0; head < heads; head++) {
      const base = item * channels + head * depth;
      e.y = codeAt(y, before + head * depth, wide);
      keyPanels(k + base, kept, count, depth, keys);
      valuePanels(v + base, kept, count, depth, values);
      for (let i = start; i < stop; i += 4) {
        const rows = min<i32>(4, stop - i);
        fillTiles(q + before + head * depth + (i - start) * channels, channels, rows, depth, queries);
        if (adjusted) {
          const ofHead = bias == 0 ? 0 : bias + (<usize>(head * size + i * tokens) << 2);
          const ofWindow = visible == 0 ? 0 : visible + <usize>((b % windows) * size + i * tokens);
          fillBiases(ofHead, ofWindow, rows, tokens, kept, count, channels, biases, row);
          biasedCodes(rows, queries, keys, count, depth, zeros, scratch + SUMS_AT, biases, logitMultiplier, logitLow, logitHigh, logitZeroPoint, logits, row);
        } else {
          logitCodes(rows, queries, keys, count, depth, zeros, scratch + SUMS_AT, logitMultiplier, logitLow, logitHigh, logitZeroPoint, logits, row);
        }
        for (let r = 0; r < rows; r++) {
          const sum = exponentiate(logits + <usize>r * row, count, <i32>logitLow + logitZeroPoint, exponentials);
          const ratio: f32 = sum == 0 ? 0 : inverse / <f32>sum;
          const from = logits + <usize>r * row;
          const to = tile + (<usize>r << 2);
          if (shares == CODES_THEMSELVES) probabilities(from, count, ratio, top, to);
          else if (shares == LEVELS) decoded(from, count, ratio, top, levels, to);
          else if (shares == CELLS) inCells(from, count, ratio, top, boundaries, levels, to);
          else if (shares == QUOTIENTS) quotients(from, count, sum, one, top, levels, to);
          else fromLeast(from, count, leastOf(sum, boundaries, top, least), top, levels, to);
        }
        product(scratch, i - start, rows, count, values, zeros, depth, WIDENED);
      }
    }
  }
}

/** Offsets of the rows whose mask is not 0, all if there is none; returns how many. */
function keptRows(mask: usize, first: i32, tokens: i32, stride: i32, kept: usize): i32 {
  let count = 0;
  for (let j = 0; j < tokens; j++) {
    if (mask != 0 && load<i32>(mask + (<usize>(first + j) << 2)) == 0) continue;
    store<i32>(kept + (<usize>count << 2), j * stride);
    count++;
  }
  return count;
}

/** The exponentials with as many zeros behind them. */
function withZeros(exponentials: usize, to: usize): usize {
  for (let i: usize = 0; i < 1024; i += 16) {
    v128.store(to + i, v128.load(exponentials + i));
    v128.store(to + i, i32x4.splat(0), 1024);
  }
  return to;
}

/** For 4 queries and the keys that count: their biases, UNSEEN where the query does not look at the key. */
function fillBiases(bias: usize, visible: usize, rows: i32, tokens: i32, kept: usize, count: i32, stride: i32, to: usize, row: usize): void {
  const whole = count == tokens;
  for (let r = 0; r < rows; r++, to += row) {
    let j = 0;
    if (whole) {
      for (; j + 4 <= count; j += 4) {
        let biases = bias == 0 ? i32x4.splat(0) : v128.load(bias + (<usize>j << 2));
        if (visible != 0) biases = v128.bitselect(biases, i32x4.splat(UNSEEN), seen4(visible + j));
        v128.store(to + (<usize>j << 2), biases);
      }
    }
    for (; j < count; j++) {
      const key = whole ? j : load<i32>(kept + (<usize>j << 2)) / stride;
      const seen = visible == 0 || load<u8>(visible + key) != 0;
      store<i32>(to + (<usize>j << 2), !seen ? UNSEEN : bias == 0 ? 0 : load<i32>(bias + (<usize>key << 2)));
    }
    if (bias != 0) bias += <usize>tokens << 2;
    if (visible != 0) visible += tokens;
  }
}

/** All bits of a lane where its byte is not 0. */
@inline
function seen4(bytes: usize): v128 {
  return i32x4.ne(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(bytes))), i32x4.splat(0));
}

/** Logit codes of 4 queries, each times 4: offsets into the table of exponentials. */
function logitCodes(
  rows: i32, queries: usize, keys: usize, count: i32, depth: i32, zeros: usize, sums: usize,
  multiplier: f32, low: f32, high: f32, zeroPoint: i32, logits: usize, row: usize,
): void {
  const multipliers = f32x4.splat(multiplier);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const offset = i32x4.splat(offsetOf(zeroPoint));
  const bytes = <usize>pairs(depth) * WIDE_PAIR;
  for (let j = 0; j < count; j += 8, keys += bytes, logits += 32) {
    dotWide(rows, queries, keys, pairs(depth), zeros, sums);
    for (let r = 0; r < rows; r++) {
      const from = sums + (<usize>r << 5);
      const to = logits + <usize>r * row;
      const first = encode4(f32x4.mul(f32x4.convert_i32x4_s(v128.load(from)), multipliers), lows, highs, offset);
      const second = encode4(f32x4.mul(f32x4.convert_i32x4_s(v128.load(from, 16)), multipliers), lows, highs, offset);
      v128.store(to, i32x4.shl(first, 2));
      v128.store(to, i32x4.shl(second, 2), 16);
    }
  }
}

/** The same with biases [4][..] added to the products; far below all others where those are UNSEEN. */
function biasedCodes(
  rows: i32, queries: usize, keys: usize, count: i32, depth: i32, zeros: usize, sums: usize, biases: usize,
  multiplier: f32, low: f32, high: f32, zeroPoint: i32, logits: usize, row: usize,
): void {
  const multipliers = f32x4.splat(multiplier);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const offset = i32x4.splat(offsetOf(zeroPoint));
  const below = i32x4.splat((<i32>low + zeroPoint - BELOW) << 2);
  const unseen = i32x4.splat(UNSEEN);
  const bytes = <usize>pairs(depth) * WIDE_PAIR;
  for (let j = 0; j < count; j += 8, keys += bytes, logits += 32, biases += 32) {
    dotWide(rows, queries, keys, pairs(depth), zeros, sums);
    for (let r = 0; r < rows; r++) {
      const from = sums + (<usize>r << 5);
      const to = logits + <usize>r * row;
      const b0 = v128.load(biases + <usize>r * row);
      const b1 = v128.load(biases + <usize>r * row, 16);
      const r0 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.add(v128.load(from), b0)), multipliers);
      const r1 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.add(v128.load(from, 16), b1)), multipliers);
      const c0 = i32x4.shl(encode4(r0, lows, highs, offset), 2);
      const c1 = i32x4.shl(encode4(r1, lows, highs, offset), 2);
      v128.store(to, v128.bitselect(below, c0, i32x4.eq(b0, unseen)));
      v128.store(to, v128.bitselect(below, c1, i32x4.eq(b1, unseen)), 16);
    }
  }
}

/** Replaces a row of logit codes by its exponentials, zero beyond the keys; returns their sum. */
function exponentiate(row: usize, count: i32, least: i32, exponentials: usize): i32 {
  const end = row + (<usize>count << 2);
  const padded = row + ((<usize>panels(count) * 8) << 2);
  for (let at = end; at < padded; at += 4) store<i32>(at, least << 2);
  let maxima = i32x4.splat(least << 2); // what no key that is looked at lies below
  for (let at = row; at < padded; at += 16) maxima = i32x4.max_s(maxima, v128.load(at));
  maxima = i32x4.max_s(maxima, i64x2.shuffle(maxima, maxima, 1, 0));
  const most = max<i32>(i32x4.extract_lane(maxima, 0), i32x4.extract_lane(maxima, 1));

  const table = exponentials + most;
  let sum = 0;
  let at = row;
  for (; at + 16 <= end; at += 16) {
    const a = load<i32>(table - load<i32>(at));
    const b = load<i32>(table - load<i32>(at, 4));
    const c = load<i32>(table - load<i32>(at, 8));
    const d = load<i32>(table - load<i32>(at, 12));
    store<i32>(at, a);
    store<i32>(at, b, 4);
    store<i32>(at, c, 8);
    store<i32>(at, d, 12);
    sum += a + b + (c + d);
  }
  for (; at < end; at += 4) {
    const exponential = load<i32>(table - load<i32>(at));
    store<i32>(at, exponential);
    sum += exponential;
  }
  for (; at < padded; at += 4) store<i32>(at, 0);
  return sum;
}

/** Codes of the probabilities, into one row of a tile. */
function probabilities(row: usize, count: i32, ratio: f32, top: i32, to: usize): void {
  const ratios = f32x4.splat(ratio);
  const lows = f32x4.splat(0);
  const highs = f32x4.splat(<f32>top);
  const offset = i32x4.splat(offsetOf(0));
  for (let pair = 0; pair < pairs(count); pair += 4, row += 32, to += 4 * PAIR) {
    const first = encodeNumbers4(f32x4.mul(f32x4.convert_i32x4_s(v128.load(row)), ratios), lows, highs, offset);
    const second = encodeNumbers4(f32x4.mul(f32x4.convert_i32x4_s(v128.load(row, 16)), ratios), lows, highs, offset);
    const codes = i16x8.narrow_i32x4_s(first, second);
    const left = pairs(count) - pair;
    v128.store32_lane(to, codes, 0);
    if (left > 1) v128.store32_lane(to, codes, 1, 16);
    if (left > 2) v128.store32_lane(to, codes, 2, 32);
    if (left > 3) v128.store32_lane(to, codes, 3, 48);
  }
}

/** The levels that the codes of the probabilities mean, into one row of a tile. */
function decoded(row: usize, count: i32, ratio: f32, top: i32, levels: usize, to: usize): void {
  const ratios = f32x4.splat(ratio);
  const lows = f32x4.splat(0);
  const highs = f32x4.splat(<f32>top);
  const offset = i32x4.splat(offsetOf(0));
  for (let pair = 0; pair < pairs(count); pair += 2, row += 16, to += 2 * PAIR) {
    const codes = encodeNumbers4(f32x4.mul(f32x4.convert_i32x4_s(v128.load(row)), ratios), lows, highs, offset);
    store<i16>(to, load<i16>(levels + (i32x4.extract_lane(codes, 0) << 2)));
    store<i16>(to, load<i16>(levels + (i32x4.extract_lane(codes, 1) << 2)), 2);
    if (pair + 1 < pairs(count)) {
      store<i16>(to, load<i16>(levels + (i32x4.extract_lane(codes, 2) << 2)), 16);
      store<i16>(to, load<i16>(levels + (i32x4.extract_lane(codes, 3) << 2)), 18);
    }
  }
}

/** The levels of the cells that the shares lie in, into one row of a tile. */
function inCells(row: usize, count: i32, ratio: f32, top: i32, boundaries: usize, levels: usize, to: usize): void {
  const ratios = f32x4.splat(ratio);
  for (let pair = 0; pair < pairs(count); pair += 2, row += 16, to += 2 * PAIR) {
    const shares = f32x4.mul(f32x4.convert_i32x4_s(v128.load(row)), ratios);
    const cells = top <= FEW ? countCells(shares, boundaries, top) : findCells(shares, boundaries, top);
    store<i16>(to, load<i16>(levels + i32x4.extract_lane(cells, 0)));
    store<i16>(to, load<i16>(levels + i32x4.extract_lane(cells, 1)), 2);
    if (pair + 1 < pairs(count)) {
      store<i16>(to, load<i16>(levels + i32x4.extract_lane(cells, 2)), 16);
      store<i16>(to, load<i16>(levels + i32x4.extract_lane(cells, 3)), 18);
    }
  }
}

/** So many boundaries are compared with 4 shares at once sooner than one share finds its cell by halves. */
const FEW = 15;

/** Cells of 4 shares, each times 4: how many of the `top` boundaries they reach. */
@inline
function countCells(shares: v128, boundaries: usize, top: i32): v128 {
  let cells = i32x4.splat(0);
  for (const end = boundaries + (<usize>top << 2); boundaries < end; boundaries += 4) {
    cells = i32x4.sub(cells, f32x4.ge(shares, v128.load32_splat(boundaries)));
  }
  return i32x4.shl(cells, 2);
}

/** The same, by halves. */
@inline
function findCells(shares: v128, boundaries: usize, top: i32): v128 {
  let cells = i32x4.splat(findCell(f32x4.extract_lane(shares, 0), boundaries, top));
  cells = i32x4.replace_lane(cells, 1, findCell(f32x4.extract_lane(shares, 1), boundaries, top));
  cells = i32x4.replace_lane(cells, 2, findCell(f32x4.extract_lane(shares, 2), boundaries, top));
  return i32x4.replace_lane(cells, 3, findCell(f32x4.extract_lane(shares, 3), boundaries, top));
}

@inline
function findCell(share: f32, boundaries: usize, top: i32): i32 {
  let cell: usize = 0;
  for (let step = (<usize>top + 1) << 1; step >= 4; step >>= 1) {
    if (share >= load<f32>(boundaries + cell + step - 4)) cell += step;
  }
  return <i32>cell;
}

/** The levels of the exact quotients e · one / sum, into one row of a tile. */
function quotients(row: usize, count: i32, sum: i32, one: f64, top: i32, levels: usize, to: usize): void {
  const ones = f64x2.splat(one);
  const sums = f64x2.splat(sum == 0 ? Infinity : <f64>sum);
  const highs = f64x2.splat(<f64>top);
  for (let pair = 0; pair < pairs(count); pair++, row += 8, to += PAIR) {
    const exact = f64x2.div(f64x2.mul(f64x2.convert_low_i32x4_s(v128.load64_zero(row)), ones), sums);
    const codes = i32x4.trunc_sat_f64x2_s_zero(f64x2.nearest(f64x2.pmin(highs, exact)));
    store<i16>(to, load<i16>(levels + (i32x4.extract_lane(codes, 0) << 2)));
    store<i16>(to, load<i16>(levels + (i32x4.extract_lane(codes, 1) << 2)), 2);
  }
}

/** The least exponential of every level but the first: ⌈sum · boundary / 2^30⌉. */
function leastOf(sum: i32, boundaries: usize, top: i32, to: usize): usize {
  for (let at: usize = 0; at < <usize>top << 2; at += 4) {
    const share = (<i64>sum * <i64>load<i32>(boundaries + at) + ((1 << 30) - 1)) >> 30;
    store<i32>(to + at, sum == 0 ? i32.MAX_VALUE : <i32>min<i64>(share, i32.MAX_VALUE));
  }
  return to;
}

/** The levels that exponentials reach, into one row of a tile. */
function fromLeast(row: usize, count: i32, least: usize, top: i32, levels: usize, to: usize): void {
  for (let pair = 0; pair < pairs(count); pair += 2, row += 16, to += 2 * PAIR) {
    const exponentials = v128.load(row);
    const cells = top <= FEW ? countReached(exponentials, least, top) : findReached(exponentials, least, top);
    store<i16>(to, load<i16>(levels + i32x4.extract_lane(cells, 0)));
    store<i16>(to, load<i16>(levels + i32x4.extract_lane(cells, 1)), 2);
    if (pair + 1 < pairs(count)) {
      store<i16>(to, load<i16>(levels + i32x4.extract_lane(cells, 2)), 16);
      store<i16>(to, load<i16>(levels + i32x4.extract_lane(cells, 3)), 18);
    }
  }
}

/** How many of the `top` levels 4 exponentials reach, each times 4. */
@inline
function countReached(exponentials: v128, least: usize, top: i32): v128 {
  let cells = i32x4.splat(0);
  for (const end = least + (<usize>top << 2); least < end; least += 4) {
    cells = i32x4.sub(cells, i32x4.ge_s(exponentials, v128.load32_splat(least)));
  }
  return i32x4.shl(cells, 2);
}

/** The same, by halves. */
@inline
function findReached(exponentials: v128, least: usize, top: i32): v128 {
  let cells = i32x4.splat(reached(i32x4.extract_lane(exponentials, 0), least, top));
  cells = i32x4.replace_lane(cells, 1, reached(i32x4.extract_lane(exponentials, 1), least, top));
  cells = i32x4.replace_lane(cells, 2, reached(i32x4.extract_lane(exponentials, 2), least, top));
  return i32x4.replace_lane(cells, 3, reached(i32x4.extract_lane(exponentials, 3), least, top));
}

@inline
function reached(exponential: i32, least: usize, top: i32): i32 {
  let cell: usize = 0;
  for (let step = (<usize>top + 1) << 1; step >= 4; step >>= 1) {
    if (exponential >= load<i32>(least + cell + step - 4)) cell += step;
  }
  return <i32>cell;
}

/** Whether every code means itself: uniform probabilities. */
function isIdentity(levels: usize, top: i32): bool {
  for (let code = 0; code <= top; code++) if (load<i32>(levels + (<usize>code << 2)) != code) return false;
  return true;
}
