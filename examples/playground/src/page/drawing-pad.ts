import { byId } from './element.ts';

/** A canvas to draw on with a pointer, or with arrow keys and space. @param onDrawn told when a stroke ends. */
export function drawingPad(onDrawn: () => void): { clear(): void; show(bytes: Uint8Array): void } {
  const canvas = byId<HTMLCanvasElement>('pad');
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  let [x, y] = [canvas.width / 2, canvas.height / 2];
  let down = false;
  const clear = () => context.fillRect(0, 0, canvas.width, canvas.height);
  const lineTo = (toX: number, toY: number) => {
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(toX, toY);
    context.stroke();
    [x, y] = [toX, toY];
  };
  Object.assign(context, {
    lineWidth: 22,
    lineCap: 'round',
    lineJoin: 'round',
    strokeStyle: '#fff',
    fillStyle: '#000',
  });
  clear();

  const place = ({ offsetX, offsetY }: PointerEvent): [number, number] => {
    const scale = canvas.width / canvas.clientWidth;
    return [offsetX * scale, offsetY * scale];
  };
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    [x, y] = place(event);
    down = true;
    lineTo(x, y);
  };
  canvas.onpointermove = (event) => {
    if (down && event.buttons) lineTo(...place(event));
  };
  canvas.onpointerup = () => {
    down = false;
    onDrawn();
  };
  canvas.onkeydown = (event) => {
    const step = { ArrowLeft: [-14, 0], ArrowRight: [14, 0], ArrowUp: [0, -14], ArrowDown: [0, 14] }[event.key];
    if (event.key === ' ') {
      down = !down;
      if (down) lineTo(x, y);
      else onDrawn();
    } else if (step) {
      const [toX, toY] = [clamp(x + step[0]!, canvas.width), clamp(y + step[1]!, canvas.height)];
      if (down) lineTo(toX, toY);
      else [x, y] = [toX, toY];
    } else return;
    event.preventDefault();
  };
  return {
    clear,
    show(bytes) {
      const image = new ImageData(28, 28);
      bytes.forEach((byte, i) => image.data.set([byte, byte, byte, 255], i * 4));
      const small = new OffscreenCanvas(28, 28);
      small.getContext('2d')!.putImageData(image, 0, 0);
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
    },
  };
}

const clamp = (value: number, size: number): number => Math.min(Math.max(value, 10), size - 10);
