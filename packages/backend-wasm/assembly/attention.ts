import { LEAST_KEYS, levelsByDistance, levelsOf } from './by-distance';
import { codeAt, storeCode } from './codes';
import { biasedCodes, fillBiases, logitCodes, shiftLogitCodes } from './attention-logits';
import { CODES, Epilogue, SHIFT_CODES } from './epilogue';
import { mostOf, storeExponentials, sumExponentials, TABLE_BYTES, turned, withZeros } from './exponentials';
import { keyPanels, panels, valuePanels } from './panels';
import { codesThemselves, decodedCodes, fromLeast, inCells, quotients } from './probabilities';
import { EPILOGUE_AT, product, SUMS_AT, TILES_AT, WIDENED } from './product';
import { boundLeast, boundShares, MOST_REACHED, neverRise, prepareReach, REACH_BYTES, reached } from './reach';
import { encode1 } from './round';
import { encode1 as encodeShifted1, isSingle, powerOfTwo } from './shift-epilogue';
import { fillTiles, PAIR, WIDE_PAIR } from './tile';

@inline
function pairs(inputs: i32): i32 {
  return (inputs + 1) >> 1;
}

/** Keys, padded to 16: codes of so many are looked at together. */
@inline
function padded(tokens: i32): usize {
  return <usize>((tokens + 15) & ~15);
}

/** Everything is for one head and four queries; nothing is [tokens, tokens]. */
export function attentionScratch(tokens: i32, depth: i32): usize {
  return turnedAt(tokens, depth) + TABLE_BYTES;
}

/** After the tile of levels [tokens, padded to 16, / 2][4][2] at TILES_AT, in this order. */
function queriesAt(tokens: i32): usize {
  return TILES_AT + (padded(tokens) / 2) * PAIR;
}
/** int16 [4][tokens, padded to 16] */
function logitsAt(tokens: i32, depth: i32): usize {
  return queriesAt(tokens) + <usize>pairs(depth) * PAIR;
}
/** int32 [tokens, padded to 16] */
function exponentialsAt(tokens: i32, depth: i32): usize {
  return logitsAt(tokens, depth) + padded(tokens) * 8;
}
/** int32 [depth, padded to 8] */
function zerosAt(tokens: i32, depth: i32): usize {
  return exponentialsAt(tokens, depth) + padded(tokens) * 4;
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
/** int32 [4][tokens, padded to 16] */
function biasesAt(tokens: i32, depth: i32): usize {
  return keptAt(tokens, depth) + padded(tokens) * 4;
}
/** The exponentials, then zeros. */
function tableAt(tokens: i32, depth: i32): usize {
  return biasesAt(tokens, depth) + padded(tokens) * 16;
}
/** int32 [255] */
function leastAt(tokens: i32, depth: i32): usize {
  return tableAt(tokens, depth) + TABLE_BYTES;
}
function reachAt(tokens: i32, depth: i32): usize {
  return leastAt(tokens, depth) + 256 * 4;
}
/** int32 [512] */
function nearLevelsAt(tokens: i32, depth: i32): usize {
  return reachAt(tokens, depth) + REACH_BYTES;
}
/** The table, turned round. */
function turnedAt(tokens: i32, depth: i32): usize {
  return nearLevelsAt(tokens, depth) + TABLE_BYTES;
}

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
  const single = isSingle(outputShift, low);
  const e = epilogue(single ? CODES : SHIFT_CODES, scratch + multipliersAt(tokens, depth), low, high, 0, channels, wide, scratch);
  for (let d = 0; d < panels(depth) * 8; d++) {
    if (single) store<f32>(e.multiplier + (<usize>d << 2), <f32>powerOfTwo(-outputShift));
    else store<f64>(e.multiplier + (<usize>d << 3), powerOfTwo(-outputShift));
  }
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
  const row = padded(tokens) * 2;
  const adjusted = bias != 0 || visible != 0;
  const biases = adjusted ? scratch + biasesAt(tokens, depth) : 0;
  const size = tokens * tokens;
  const least = <i32>logitLow + logitZeroPoint;
  const table = scratch + tableAt(tokens, depth);
  const reach = scratch + reachAt(tokens, depth);
  withZeros(exponentials, table);
  turned(table, scratch + turnedAt(tokens, depth));
  const last = scratch + turnedAt(tokens, depth) + TABLE_BYTES - 4; // where the exponential of the largest code stands
  const fall = boundaries != 0 && neverRise(table);
  const byReach = fall && top <= MOST_REACHED;
  const nearLevels = scratch + nearLevelsAt(tokens, depth);
  if (byReach) prepareReach(table, levels, boundaries, top, reach);
  const ofNothing = byReach && shares == CELLS ? cellOfZero(boundaries, top) : 0;
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
          const ofHead: usize = bias == 0 ? 0 : bias + (<usize>(head * size + i * tokens) << 2);
          const ofWindow: usize = visible == 0 ? 0 : visible + <usize>((b % windows) * size + i * tokens);
          fillBiases(ofHead, ofWindow, rows, tokens, kept, count, channels, biases, 2 * row);
          biasedCodes(rows, queries, keys, count, pairs(depth), zeros, scratch + SUMS_AT, biases, 2 * row, logitMultiplier, logitLow, logitHigh, logitZeroPoint, logits, row);
        } else if (shares >= QUOTIENTS) {
          shiftLogitCodes(rows, queries, keys, count, pairs(depth), zeros, scratch + SUMS_AT, 1 / logitMultiplier, logitLow, logitHigh, logits, row);
        } else {
          logitCodes(rows, queries, keys, count, pairs(depth), zeros, scratch + SUMS_AT, logitMultiplier, logitLow, logitHigh, logitZeroPoint, logits, row);
        }
        for (let r = 0; r < rows; r++) {
          const from = logits + <usize>r * row;
          const to = tile + (<usize>r << 2);
          const most = mostOf(from, count, least);
          if (byReach) {
            const sum = sumExponentials(from, count, last - most);
            const ratio: f32 = sum == 0 ? 0 : inverse / <f32>sum;
            if (shares == LEAST) boundLeast(sum, top, table, most, reach, r);
            else boundShares(ratio, boundaries, top, table, most, reach, r);
          } else if (fall && shares == CELLS && count >= LEAST_KEYS) {
            const sum = sumExponentials(from, count, last - most);
            const ratio: f32 = sum == 0 ? 0 : inverse / <f32>sum;
            levelsByDistance(table, ratio, top, boundaries, levels, nearLevels);
            levelsOf(from, count, nearLevels + most, to);
          } else {
            const own = scratch + exponentialsAt(tokens, depth);
            const sum = storeExponentials(from, count, table + most, own);
            const ratio: f32 = sum == 0 ? 0 : inverse / <f32>sum;
            if (shares == CODES_THEMSELVES) codesThemselves(own, count, ratio, top, to);
            else if (shares == LEVELS) decodedCodes(own, count, ratio, top, levels, to);
            else if (shares == CELLS) inCells(own, count, ratio, top, boundaries, levels, to);
            else if (shares == QUOTIENTS) quotients(own, count, sum, one, top, levels, to);
            else fromLeast(own, count, leastOf(sum, boundaries, top, scratch + leastAt(tokens, depth)), top, levels, to);
          }
        }
        if (byReach) reached(logits, row, count, visible != 0, least, ofNothing, reach, tile);
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

/** How many boundaries a share of 0 reaches. */
function cellOfZero(boundaries: usize, top: i32): i32 {
  let cell = 0;
  while (cell < top && load<f32>(boundaries + (<usize>cell << 2)) <= 0) cell++;
  return cell;
}

/** The least exponential of every level but the first: ⌈sum · boundary / 2^30⌉. */
function leastOf(sum: i32, boundaries: usize, top: i32, to: usize): usize {
  for (let at: usize = 0; at < <usize>top << 2; at += 4) {
    const share = (<i64>sum * <i64>load<i32>(boundaries + at) + ((1 << 30) - 1)) >> 30;
    store<i32>(to + at, sum == 0 ? i32.MAX_VALUE : <i32>min<i64>(share, i32.MAX_VALUE));
  }
  return to;
}

/** Whether every code means itself: uniform probabilities. */
function isIdentity(levels: usize, top: i32): bool {
  for (let code = 0; code <= top; code++) if (load<i32>(levels + (<usize>code << 2)) != code) return false;
  return true;
}
