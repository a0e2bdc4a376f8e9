import type { Pixels } from '../protocol.ts';

const side = 28;

/**
 * What was drawn as MNIST has it (LeCun et al. 1998): its box scaled to 20 pixels, its centre of mass in the middle of 28.
 * Nothing if nothing was drawn.
 */
export function centredDigit(canvas: HTMLCanvasElement): Pixels | undefined {
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height);
  const box = boxOf(data, width);
  if (!box) return undefined;
  const size = Math.max(box.right - box.left, box.bottom - box.top) + 1;
  const place = {
    x: (side - (20 * (box.right - box.left + 1)) / size) / 2,
    y: (side - (20 * (box.bottom - box.top + 1)) / size) / 2,
  };
  const first = drawn(canvas, box, size, place);
  const mass = centreOf(first);
  const second = { x: place.x + side / 2 - 0.5 - mass.x, y: place.y + side / 2 - 0.5 - mass.y };
  return { width: side, height: side, data: drawn(canvas, box, size, second) };
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function boxOf(data: Uint8ClampedArray, width: number): Box | undefined {
  let [left, right, top, bottom] = [Infinity, -1, Infinity, -1];
  for (let i = 0; i < data.length; i += 4) {
    if (data[i]! < 32) continue;
    const [x, y] = [(i / 4) % width, Math.floor(i / 4 / width)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  }
  return right < 0 ? undefined : { left, right, top, bottom };
}

function drawn(from: HTMLCanvasElement, box: Box, size: number, at: { x: number; y: number }): Pixels['data'] {
  const context = new OffscreenCanvas(side, side).getContext('2d')!;
  const [width, height] = [box.right - box.left + 1, box.bottom - box.top + 1];
  context.fillRect(0, 0, side, side);
  context.imageSmoothingQuality = 'high';
  const scale = 20 / size;
  context.drawImage(from, box.left, box.top, width, height, at.x, at.y, width * scale, height * scale);
  return new Uint8ClampedArray(context.getImageData(0, 0, side, side).data);
}

function centreOf(data: Uint8ClampedArray): { x: number; y: number } {
  let [sum, x, y] = [0, 0, 0];
  for (let i = 0; i < side * side; i++) {
    const ink = data[i * 4]!;
    sum += ink;
    x += ink * (i % side);
    y += ink * Math.floor(i / side);
  }
  return { x: x / sum, y: y / sum };
}
