import { transpose } from './transpose.ts';

test.each([
  [1, 1],
  [1, 40],
  [16, 16],
  [33, 17],
  [5, 70],
])('%i × %i', (rows, columns) => {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => i);
  const result = transpose(data, rows, columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      expect(result[column * rows + row]).toBe(data[row * columns + column]);
    }
  }
});
