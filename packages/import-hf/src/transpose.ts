/** [rows, columns] → [columns, rows]: PyTorch's Linear keeps [outputs, inputs], a MatMul here reads [inputs, outputs]. */
export function transpose(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  // Square tiles: a row of the source and a row of the result stay in cache together.
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(top + tile, rows);
    for (let left = 0; left < columns; left += tile) {
      const right = Math.min(left + tile, columns);
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) result[column * rows + row] = data[row * columns + column]!;
      }
    }
  }
  return result;
}

const tile = 16;
