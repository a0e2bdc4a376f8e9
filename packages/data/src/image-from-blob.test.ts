import { imageFromBlob } from './image-from-blob.ts';

/** A canvas that holds what was drawn: what Node lacks of a browser. */
class FakeCanvas {
  readonly size: readonly number[];
  constructor(...size: number[]) {
    this.size = size;
  }
  getContext() {
    let drawn: { rgba: number[] } | undefined;
    return {
      drawImage: (bitmap: { rgba: number[] }) => (drawn = bitmap),
      getImageData: (_x: number, _y: number, ...size: number[]) => {
        expect(size).toEqual(this.size);
        return { width: size[0], height: size[1], data: Uint8ClampedArray.from(drawn!.rgba) };
      },
    };
  }
}

test('a blob becomes RGB without alpha, and its bitmap is released', async () => {
  const close = jest.fn();
  const bitmap = { width: 2, height: 1, rgba: [1, 2, 3, 255, 4, 5, 6, 0], close };
  Object.assign(globalThis, { createImageBitmap: async () => bitmap, OffscreenCanvas: FakeCanvas });
  expect(await imageFromBlob(new Blob())).toEqual({
    width: 2,
    height: 1,
    data: Uint8ClampedArray.of(1, 2, 3, 4, 5, 6),
  });
  expect(close).toHaveBeenCalledTimes(1);
});
