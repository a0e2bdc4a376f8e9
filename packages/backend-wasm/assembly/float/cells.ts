// A tensor is [outer, channels, inner], with a scale for each channel: float32 [channels]. levels: float32 [count], a power of
// two; boundaries: float32 [count − 1]. Both ascend. v = x / scale, 0 where that is NaN, has the level of its cell.

/** y = level · scale */
export function fakeQuantizeCells(
  x: usize, outer: i32, channels: i32, inner: i32, scale: usize, boundaries: usize, levels: usize, count: i32, y: usize,
): void {
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const factor = load<f32>(scale + (<usize>c << 2));
      for (const end = x + (<usize>inner << 2); x < end; x += 4, y += 4) {
        store<f32>(y, levelOf(quotient(load<f32>(x), factor), boundaries, levels, count) * factor);
      }
    }
  }
}

/** float64 [channels] */
export function fakeQuantizeCellsGradScratch(channels: i32): usize {
  return <usize>channels << 3;
}

/**
 * dx = dy where v lies between the outermost levels, else 0, and dscale of a channel = Σ dy · slope with slope = level − v
 * there, else level. Terms are float32, sums float64, in order.
 */
export function fakeQuantizeCellsGrad(
  dy: usize, x: usize, outer: i32, channels: i32, inner: i32, scale: usize, boundaries: usize, levels: usize, count: i32,
  dx: usize, dscale: usize, totals: usize,
): void {
  const lowest = load<f32>(levels);
  const highest = load<f32>(levels + (<usize>(count - 1) << 2));
  memory.fill(totals, 0, fakeQuantizeCellsGradScratch(channels));
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const factor = load<f32>(scale + (<usize>c << 2));
      const total = totals + (<usize>c << 3);
      let sum = load<f64>(total);
      for (const end = x + (<usize>inner << 2); x < end; x += 4, dx += 4, dy += 4) {
        const v = quotient(load<f32>(x), factor);
        const level = levelOf(v, boundaries, levels, count);
        const given = load<f32>(dy);
        const inside = v >= lowest && v <= highest;
        store<f32>(dx, inside ? given : 0);
        sum += <f64>(given * (level - (inside ? v : 0)));
      }
      store<f64>(total, sum);
    }
  }
  for (let c: usize = 0; c < <usize>channels; c++) store<f32>(dscale + (c << 2), <f32>load<f64>(totals + (c << 3)));
}

@inline
function quotient(x: f32, scale: f32): f32 {
  const v = x / scale;
  return v == v ? v : 0;
}

@inline
function levelOf(v: f32, boundaries: usize, levels: usize, count: i32): f32 {
  let cell: usize = 0;
  for (let step = <usize>count << 1; step >= 4; step >>= 1) {
    if (v >= load<f32>(boundaries + cell + step - 4)) cell += step;
  }
  return load<f32>(levels + cell);
}
