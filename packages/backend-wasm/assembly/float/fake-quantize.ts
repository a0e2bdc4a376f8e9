import { load4, store4 } from './lanes';

// A tensor is [outer, channels, inner], with a scale and a zero point for each channel: float32 [channels]. A level is a code
// less its zero point: clamp(round(x / scale), low − zero, high − zero). NaN has level 0.

/** y = level · scale */
export function fakeQuantize(
  x: usize, outer: i32, channels: i32, inner: i32, scale: usize, zero: usize, low: f32, high: f32, y: usize,
): void {
  const one = f32x4.splat(1);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  for (let o = 0; o < outer; o++) {
    if (inner == 1) {
      for (let left = channels, at: usize = 0; left > 0; left -= 4, at += 16) {
        const scales = load4(scale + at, left, one);
        const zeros = load4(zero + at, left, one);
        const v = f32x4.div(load4(x + at, left, one), scales);
        store4(y + at, f32x4.mul(levels(v, f32x4.sub(lows, zeros), f32x4.sub(highs, zeros)), scales), left);
      }
      x += <usize>channels << 2;
      y += <usize>channels << 2;
      continue;
    }
    for (let c = 0; c < channels; c++) {
      const scales = v128.load32_splat(scale + (<usize>c << 2));
      const zeros = v128.load32_splat(zero + (<usize>c << 2));
      const least = f32x4.sub(lows, zeros);
      const most = f32x4.sub(highs, zeros);
      for (let left = inner, at: usize = 0; left > 0; left -= 4, at += 16) {
        store4(y + at, f32x4.mul(levels(f32x4.div(load4(x + at, left, one), scales), least, most), scales), left);
      }
      x += <usize>inner << 2;
      y += <usize>inner << 2;
    }
  }
}

/** float64 [channels, padded to 4] */
export function fakeQuantizeGradScratch(channels: i32): usize {
  return (<usize>(channels + 3) & ~3) << 3;
}

/**
 * With v = x / scale, inside where round(v) is a level:  dx = dy inside, else 0, and dscale of a channel = Σ dy · slope with
 * slope = level − v inside, else level. Terms are float32, sums float64: 4 lanes along `inner`, these in order.
 */
export function fakeQuantizeGrad(
  dy: usize, x: usize, outer: i32, channels: i32, inner: i32, scale: usize, zero: usize, low: f32, high: f32,
  dx: usize, dscale: usize, totals: usize,
): void {
  const one = f32x4.splat(1);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  memory.fill(totals, 0, fakeQuantizeGradScratch(channels));
  for (let o = 0; o < outer; o++) {
    if (inner == 1) {
      for (let left = channels, at: usize = 0; left > 0; left -= 4, at += 16) {
        const scales = load4(scale + at, left, one);
        const zeros = load4(zero + at, left, one);
        const terms = slopes(dy + at, x + at, left, scales, f32x4.sub(lows, zeros), f32x4.sub(highs, zeros), dx + at);
        const total = totals + (at << 1);
        v128.store(total, f64x2.add(v128.load(total), firstHalf(terms)));
        v128.store(total, f64x2.add(v128.load(total, 16), secondHalf(terms)), 16);
      }
      dy += <usize>channels << 2;
      x += <usize>channels << 2;
      dx += <usize>channels << 2;
      continue;
    }
    for (let c = 0; c < channels; c++) {
      const scales = v128.load32_splat(scale + (<usize>c << 2));
      const zeros = v128.load32_splat(zero + (<usize>c << 2));
      const least = f32x4.sub(lows, zeros);
      const most = f32x4.sub(highs, zeros);
      let first = f64x2.splat(0);
      let second = first;
      for (let left = inner, at: usize = 0; left > 0; left -= 4, at += 16) {
        const terms = slopes(dy + at, x + at, left, scales, least, most, dx + at);
        first = f64x2.add(first, firstHalf(terms));
        second = f64x2.add(second, secondHalf(terms));
      }
      first = f64x2.add(first, second);
      const total = totals + (<usize>c << 3);
      store<f64>(total, load<f64>(total) + (f64x2.extract_lane(first, 0) + f64x2.extract_lane(first, 1)));
      dy += <usize>inner << 2;
      x += <usize>inner << 2;
      dx += <usize>inner << 2;
    }
  }
  for (let c: usize = 0; c < <usize>channels; c++) store<f32>(dscale + (c << 2), <f32>load<f64>(totals + (c << 3)));
}

/** dx of 4 numbers is stored, dy · slope given back. */
@inline
function slopes(dy: usize, x: usize, left: i32, scales: v128, least: v128, most: v128, dx: usize): v128 {
  const v = f32x4.div(load4(x, left, f32x4.splat(1)), scales);
  const given = load4(dy, left, f32x4.splat(0));
  const rounded = f32x4.nearest(v);
  const inside = v128.and(f32x4.ge(rounded, least), f32x4.le(rounded, most));
  store4(dx, v128.and(given, inside), left);
  return f32x4.mul(given, f32x4.sub(levels(v, least, most), v128.and(v, inside)));
}

/** Adding 0 makes a 0 of −0, as codes have no other. */
@inline
function levels(v: v128, least: v128, most: v128): v128 {
  const rounded = v128.and(f32x4.nearest(v), f32x4.eq(v, v));
  return f32x4.add(f32x4.pmin(f32x4.pmax(rounded, least), most), f32x4.splat(0));
}

@inline
function firstHalf(terms: v128): v128 {
  return f64x2.promote_low_f32x4(terms);
}

@inline
function secondHalf(terms: v128): v128 {
  return f64x2.promote_low_f32x4(i64x2.shuffle(terms, terms, 1, 0));
}
