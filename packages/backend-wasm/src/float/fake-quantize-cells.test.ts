import fc from 'fast-check';
import { floats, seed, stream } from '../testing/arbitrary.ts';
import { expectSame, run } from '../testing/float/run.ts';

const { fround } = Math;

interface Case {
  readonly shape: readonly number[];
  readonly axis: number;
  readonly bits: number;
  readonly seed: number;
}

const anyCase = fc.record<Case>({
  shape: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }),
  axis: fc.integer({ min: -1, max: 3 }),
  bits: fc.integer({ min: 1, max: 8 }),
  seed,
});

async function check({ shape, axis: given, bits, seed }: Case): Promise<void> {
  const axis = Math.min(given, shape.length - 1);
  const next = stream(seed);
  const channels = axis < 0 ? 1 : shape[axis]!;
  const inner = axis < 0 ? Infinity : shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const special = [NaN, Infinity, -Infinity, 3.4e38, 0, -0];
  const x = floats(shape, () => (next() < 0.1 ? special[Math.floor(next() * special.length)]! : 3 * (next() - 0.5)));
  const dy = floats(shape, () => next() - 0.5);
  const scale = floats([channels], () => 0.1 + next());
  const sorted = (count: number) => {
    const list = floats([count], () => next() - 0.5);
    return { ...list, data: (list.data as Float32Array).sort() };
  };
  const [levels, boundaries] = [sorted(2 ** bits), sorted(2 ** bits - 1)];

  const dx = new Float32Array(x.data.length);
  const sums = new Float64Array(channels);
  const y = Float32Array.from(x.data, (value, i) => {
    const channel = Math.floor(i / inner) % channels;
    const quotient = fround(value / scale.data[channel]!);
    const v = quotient === quotient ? quotient : 0;
    const level = levels.data[boundaries.data.filter((boundary) => boundary <= v).length]!;
    const inside = v >= levels.data[0]! && v <= levels.data.at(-1)!;
    if (inside) dx[i] = dy.data[i]!;
    sums[channel]! += fround(dy.data[i]! * fround(level - (inside ? v : 0)));
    return level * scale.data[channel]!;
  });
  const operands = { x, scale, levels, boundaries };
  expectSame((await run('CqFakeQuantizeCells', operands, { axis }))[0], y);
  const gradients = await run('CqFakeQuantizeCellsGrad', { dy, ...operands }, { axis });
  expectSame(gradients[0], dx);
  expectSame(gradients[1], Float32Array.from(sums));
}

test('fake quantization by table and its gradients equal their definitions, per tensor and per channel of any axis', async () => {
  await fc.assert(fc.asyncProperty(anyCase, check), { numRuns: 400 });
});

test('tables of other sizes than a power of two and one less are refused', async () => {
  const [x, scale] = [floats([4], () => 1), floats([1], () => 1)];
  const tables = (count: number, borders: number) => ({
    levels: floats([count], (i) => i),
    boundaries: floats([borders], (i) => i),
  });
  await expect(run('CqFakeQuantizeCells', { x, scale, ...tables(3, 2) }, { axis: -1 })).rejects.toThrow(
    'CqFakeQuantizeCells: levels must be a power of two, at least 2, got 3',
  );
  await expect(run('CqFakeQuantizeCells', { x, scale, ...tables(4, 4) }, { axis: -1 })).rejects.toThrow(
    'CqFakeQuantizeCells: boundaries must be [3], got [4]',
  );
});
