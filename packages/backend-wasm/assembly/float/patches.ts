/**
 * What a filter sees at every place of one image x [height, width, channels]:
 * to[row, column, filterRow, filterColumn, channel], 0 outside the image.
 */
export function patches(
  x: usize, height: i32, width: i32, channels: i32, filterHeight: i32, filterWidth: i32,
  down: i32, across: i32, top: i32, left: i32, rows: i32, columns: i32, to: usize,
): void {
  const pixel = <usize>channels << 2;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const first = column * across - left;
      const from = min<i32>(max<i32>(first, 0), width);
      const end = max<i32>(min<i32>(first + filterWidth, width), from);
      for (let i = 0; i < filterHeight; i++, to += <usize>filterWidth * pixel) {
        const y = row * down - top + i;
        const inside = y >= 0 && y < height && end > from;
        if (!inside || end - from < filterWidth) memory.fill(to, 0, <usize>filterWidth * pixel);
        if (inside) {
          memory.copy(to + <usize>(from - first) * pixel, x + <usize>(y * width + from) * pixel, <usize>(end - from) * pixel);
        }
      }
    }
  }
}
