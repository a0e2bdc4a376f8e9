import { codeAt, storeCode } from './codes';
import { CODES, Epilogue } from './epilogue';
import { keyPanels, panels, valuePanels } from './panels';
import { EPILOGUE_AT, product, SUMS_AT, TILES_AT } from './product';
import { encode1, encode4, encodeNumbers4, offsetOf } from './round';
import { dotTile, fillTiles, PAIR } from './tile';

@inline
function pairs(inputs: i32): i32 {
  return (inputs + 1) >> 1;
}

/** Everything is for one head and four queries; nothing is [tokens, tokens]. */
export function attentionScratch(tokens: i32, depth: i32): usize {
  return keptAt(tokens, depth) + (<usize>tokens << 2);
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
/** float32 [depth, padded to 8] */
function multipliersAt(tokens: i32, depth: i32): usize {
  return zerosAt(tokens, depth) + (<usize>panels(depth) << 5);
}
function keysAt(tokens: i32, depth: i32): usize {
  return multipliersAt(tokens, depth) + (<usize>panels(depth) << 5);
}
function valuesAt(tokens: i32, depth: i32): usize {
  return keysAt(tokens, depth) + <usize>panels(tokens) * <usize>pairs(depth) * PAIR;
}
/** int32 [tokens] */
function keptAt(tokens: i32, depth: i32): usize {
  return valuesAt(tokens, depth) + <usize>panels(depth) * <usize>pairs(tokens) * PAIR;
}

/**
 * CqAttention on q, k, v [batch, tokens, channels]. Bounds are those of the codes less their zero point; `inverse` is
 * fround(1 / probabilityScale), `top` the largest code of a probability, `mask` 0 if every key counts. Keys that do not
 * count never reach the panels: past those, attention is between `tokens` queries and `count` keys.
 */
export function attention(
  q: usize, k: usize, v: usize, exponentials: usize, levels: usize, mask: usize,
  batch: i32, tokens: i32, channels: i32, heads: i32,
  logitMultiplier: f32, logitLow: f32, logitHigh: f32, logitZeroPoint: i32, inverse: f32, top: i32,
  outputMultiplier: f32, low: f32, high: f32, zeroPoint: i32, y: usize, wide: bool, scratch: usize,
): void {
  const depth = channels / heads;
  const tile = scratch + TILES_AT;
  const queries = scratch + queriesAt(tokens);
  const logits = scratch + logitsAt(tokens, depth);
  const zeros = scratch + zerosAt(tokens, depth);
  const multipliers = scratch + multipliersAt(tokens, depth);
  const keys = scratch + keysAt(tokens, depth);
  const values = scratch + valuesAt(tokens, depth);
  const kept = scratch + keptAt(tokens, depth);
  const row = (<usize>panels(tokens) * 8) << 2;
  const plain = isIdentity(levels, top);

  const e = changetype<Epilogue>(scratch + EPILOGUE_AT);
  e.kind = CODES;
  e.multiplier = multipliers;
  e.low = low;
  e.high = high;
  e.zeroPoint = zeroPoint;
  e.stride = channels;
  e.wide = wide;
  for (let d = 0; d < panels(depth) * 8; d++) {
    store<i32>(zeros + (<usize>d << 2), 0);
    store<f32>(multipliers + (<usize>d << 2), outputMultiplier);
  }

  for (let b = 0; b < batch; b++) {
    const count = keptRows(mask, b * tokens, tokens, channels, kept);
    if (count == 0) {
      const nothing = encode1(0 * outputMultiplier, low, high, zeroPoint);
      const first = b * tokens * channels;
      for (let i = 0; i < tokens * channels; i++) storeCode(codeAt(y, first + i, wide), nothing, wide);
      continue;
    }
    for (let head = 0; head < heads; head++) {
      const base = b * tokens * channels + head * depth;
      e.y = codeAt(y, base, wide);
      keyPanels(k + base, kept, count, depth, keys);
      valuePanels(v + base, kept, count, depth, values);
      for (let i = 0; i < tokens; i += 4) {
        const rows = min<i32>(4, tokens - i);
        fillTiles(q + base + i * channels, channels, rows, depth, queries);
        logitCodes(rows, queries, keys, count, depth, zeros, scratch + SUMS_AT, logitMultiplier, logitLow, logitHigh, logitZeroPoint, logits, row);
        for (let r = 0; r < rows; r++) {
          const sum = exponentiate(logits + <usize>r * row, count, <i32>logitLow + logitZeroPoint, exponentials);
          const ratio: f32 = sum == 0 ? 0 : inverse / <f32>sum;
          const to = tile + (<usize>r << 2);
          if (plain) probabilities(logits + <usize>r * row, count, ratio, top, to);
          else decoded(logits + <usize>r * row, count, ratio, top, levels, to);
        }
        product(scratch, i, rows, count, values, zeros, depth);
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

/** Logit codes of 4 queries, each times 4: offsets into the table of exponentials. */
function logitCodes(
  rows: i32, queries: usize, keys: usize, count: i32, depth: i32, zeros: usize, sums: usize,
  multiplier: f32, low: f32, high: f32, zeroPoint: i32, logits: usize, row: usize,
): void {
  const multipliers = f32x4.splat(multiplier);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const offset = i32x4.splat(offsetOf(zeroPoint));
  const bytes = <usize>pairs(depth) * PAIR;
  for (let j = 0; j < count; j += 8, keys += bytes, logits += 32) {
    dotTile(rows, queries, keys, pairs(depth), zeros, sums);
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

/** Replaces a row of logit codes by its exponentials, zero beyond the keys; returns their sum. */
function exponentiate(row: usize, count: i32, least: i32, exponentials: usize): i32 {
  const end = row + (<usize>count << 2);
  const padded = row + ((<usize>panels(count) * 8) << 2);
  for (let at = end; at < padded; at += 4) store<i32>(at, least << 2);
  let maxima = v128.load(row);
  for (let at = row + 16; at < padded; at += 16) maxima = i32x4.max_s(maxima, v128.load(at));
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

/** Whether every code means itself: uniform probabilities. */
function isIdentity(levels: usize, top: i32): bool {
  for (let code = 0; code <= top; code++) if (load<i32>(levels + (<usize>code << 2)) != code) return false;
  return true;
}
