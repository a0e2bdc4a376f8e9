import fc from 'fast-check';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { CqLinear, layoutOf, sizeOf, type LinearAttrs, type Operand } from '@cq/core/runtime';
import { allocate } from '../heap.ts';
import type { Call } from '../kernel.ts';
import { linear } from '../linear.ts';
import { instantiate } from '../module.ts';
import { codes, floats, integers, panels, seed, stream } from '../testing/arbitrary.ts';
import { expectReference } from '../testing/equals-reference.ts';
import { runInParts, type Parting } from './parts.ts';
import { startPool } from './pool.ts';
import { createSharedHeap } from './shared-heap.ts';

interface Case {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly weightBits: number;
  readonly end: 'raw' | 'codes' | 'table' | 'int8 residual' | 'int16 residual';
  readonly seed: number;
}

const size = (max: number) => fc.integer({ min: 1, max });
const anyCase = fc.record<Case>({
  ...{ rows: size(60), inputs: size(40), outputs: size(30), weightBits: fc.constantFrom(1, 2, 3, 4, 8), seed },
  end: fc.constantFrom('raw', 'codes', 'table', 'int8 residual', 'int16 residual'),
});

function given({ rows, inputs, outputs, weightBits, end, seed }: Case) {
  const next = stream(seed);
  const bits = { raw: 32, codes: 8, table: 8, 'int8 residual': 8, 'int16 residual': 16 }[end];
  const operands: Record<string, Operand> = {
    x: codes(next, [rows, inputs], 'even'),
    w: panels(next, outputs, inputs, 'even', weightBits),
    bias: integers([outputs], () => (next() - 0.5) * 2 ** 12),
    multiplier: floats([outputs], () => next() / 100),
    ...(end === 'table' && { table: codes(next, [1024], 'even') }),
    ...(end === 'int8 residual' && { residual: codes(next, [rows, outputs], 'even') }),
    ...(end === 'int16 residual' && { residual: codes(next, [rows, outputs], 'even', 16, 'int32') }),
  };
  const attrs: LinearAttrs = {
    ...{ outputs, inputs, weightBits, layout: layoutOf(weightBits), bits, zeroPoint: bits === 32 ? 0 : 3 },
    ...{ tableBits: end === 'table' ? 10 : 0, tableZeroPoint: 7, residual: end.endsWith('residual') },
    ...{ residualMultiplier: 0.7, residualZeroPoint: -5, inputScale: 1, inputZeroPoint: 0, tableScale: 1 },
    ...{ outputScale: 1, residualScale: 1, activation: 'none' },
  };
  return { operands, attrs };
}

test('a linear layer in parts equals its definition for every shape and epilogue', async () => {
  const check = async (c: Case): Promise<void> => {
    const { operands, attrs } = given(c);
    await expectReference(CqLinear, operands, attrs);
  };
  await fc.assert(fc.asyncProperty(anyCase, check), { numRuns: 150 });
});

const parting: Parting<LinearAttrs> = { rows: ['x', 'residual'], weights: [], work: () => 1 };

test.each([2, 3])('on a heap that is shared already, %i threads compute in place', async (threads) => {
  const heap = createSharedHeap();
  const { wasmMemory: memory } = heap;
  const pool = await startPool(heap, threads);
  const kernels = instantiate(heap);
  const check = (c: Case): void => {
    const { operands, attrs } = given(c);
    const blocks: number[] = [];
    const place = (bytes: number): number => {
      blocks.push(allocate(heap, bytes));
      return blocks.at(-1)!;
    };
    const addresses = new Map<string, number>();
    for (const [name, { data }] of Object.entries(operands)) {
      addresses.set(name, place(data.byteLength));
      new Uint8Array(memory!.buffer, addresses.get(name)).set(new Uint8Array(data.buffer));
    }
    const { dtype, shape } = CqLinear.output(operands, attrs);
    const expected = dtype === 'bool' ? new Uint8Array(sizeOf(shape)) : new Int32Array(sizeOf(shape));
    CqLinear.reference(operands, attrs, expected);
    const output: TensorInfo = { dataId: {}, shape: [...shape], dtype };
    const call: Call<LinearAttrs> = {
      ...{
        kernels,
        attrs,
        shapes: Object.fromEntries(Object.entries(operands).map(([name, { shape }]) => [name, shape])),
      },
      at: (input) => addresses.get(input) ?? 0,
      wide: (input) => Number(operands[input]?.dtype === 'int32'),
      scratch: place,
      output: { at: place(expected.byteLength), wide: Number(dtype === 'int32'), size: expected.length, first: 0 },
    };
    const inputs = operands as Record<string, Operand & TensorInfo>;
    runInParts({ run: linear, call, parting, inputs, output }, { pool, mirror: undefined, leastWork: 0 });
    const computed = new Uint8Array(memory!.buffer, call.output.at, expected.byteLength);
    expect(Buffer.compare(computed, new Uint8Array(expected.buffer))).toBe(0);
    for (const block of blocks) heap._free(block);
  };
  fc.assert(fc.property(anyCase, check), { numRuns: 150 });
  pool.end();
});
