import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { backend_util, conv2dTranspose, setBackend, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { floats, seed, stream } from '../testing/arbitrary.ts';
import { dot, expectSame, run } from '../testing/float/run.ts';

const { fround } = Math;
const size = (min: number, max: number) => fc.integer({ min, max });

interface Case {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filter: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly pad: 'valid' | 'same' | number;
  readonly outputs: number;
  readonly seed: number;
}

const anyCase = fc.record<Case>({
  ...{ batch: size(0, 3), height: size(4, 9), width: size(4, 9), channels: size(1, 5), outputs: size(1, 9), seed },
  ...{ filter: fc.tuple(size(1, 4), size(1, 4)), strides: fc.tuple(size(1, 4), size(1, 4)) },
  pad: fc.constantFrom<Case['pad']>('valid', 'same', 0, 1),
});

/** Σ over images, rows and columns in order of x[.., y · stride + i − top, x · stride + j − left, channel] · dy. */
async function check(c: Case): Promise<void> {
  const next = stream(c.seed);
  const strides = [...c.strides] as [number, number];
  const filterShape = [...c.filter, c.channels, c.outputs] as [number, number, number, number];
  const inShape = [c.batch, c.height, c.width, c.channels] as [number, number, number, number];
  const info = backend_util.computeConv2DInfo(inShape, filterShape, strides, 1, c.pad);
  const x = floats(inShape, () => next() - 0.5);
  const dy = floats(info.outShape, () => next() - 0.5);
  const attrs = { strides, pad: c.pad, dataFormat: 'NHWC', filterShape };
  const [found] = await run('Conv2DBackpropFilter', { x, dy }, attrs as never);
  expect(found!.shape).toEqual(filterShape);
  const expected = found!.data.map((_, at) => {
    const [output, channel] = [at % c.outputs, Math.floor(at / c.outputs) % c.channels];
    const place = Math.floor(at / (c.outputs * c.channels));
    const [i, j] = [Math.floor(place / c.filter[1]), place % c.filter[1]];
    let sum = 0;
    for (let b = 0; b < c.batch; b++) {
      for (let row = 0; row < info.outHeight; row++) {
        for (let column = 0; column < info.outWidth; column++) {
          const [y, z] = [row * strides[0] + i - info.padInfo.top, column * strides[1] + j - info.padInfo.left];
          const inside = y >= 0 && y < c.height && z >= 0 && z < c.width;
          const seen = inside ? x.data[((b * c.height + y) * c.width + z) * c.channels + channel]! : 0;
          const given = dy.data[((b * info.outHeight + row) * info.outWidth + column) * c.outputs + output]!;
          sum = fround(sum + fround(seen * given));
        }
      }
    }
    return sum;
  });
  expectSame(found, expected as Float32Array);
}

test('the gradient of a filter equals its definition for every size, stride and padding', async () => {
  await fc.assert(fc.asyncProperty(anyCase, check), { numRuns: 200 });
});

test('a patch embedding', () =>
  check({
    ...{ batch: 2, height: 32, width: 48, channels: 3, filter: [16, 16], strides: [16, 16], pad: 'valid' },
    ...{ outputs: 12, seed: 2 },
  }));

test('it is the adjoint of the convolution by the filter', async () => {
  const next = stream(8);
  const [x, dy, w] = [
    [2, 7, 6, 3],
    [2, 4, 3, 5],
    [3, 3, 3, 5],
  ].map((shape) => floats(shape, () => next() - 0.5));
  const attrs = { strides: [2, 2], pad: 'same', dataFormat: 'NHWC', filterShape: w!.shape };
  const [dw] = await run('Conv2DBackpropFilter', { x: x!, dy: dy! }, attrs as never);
  await setBackend('cpu');
  const filter = tensor4d(w!.data, [3, 3, 3, 5]);
  const back = tidy(() =>
    conv2dTranspose(tensor4d(dy!.data, [2, 4, 3, 5]), filter, [2, 7, 6, 3], [2, 2], 'same').dataSync(),
  );
  expect(dot(dw!.data, w!.data)).toBeCloseTo(dot(back, x!.data), 4);
});

test('channels first are refused', async () => {
  const attrs = { strides: [1, 1], pad: 'valid', dataFormat: 'NCHW', filterShape: [1, 1, 1, 1] };
  const one = floats([1, 1, 1, 1], () => 1);
  await expect(run('Conv2DBackpropFilter', { x: one, dy: one }, attrs as never)).rejects.toThrow(
    'dataFormat must be NHWC, got NCHW',
  );
});
