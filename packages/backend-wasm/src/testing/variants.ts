import { sizeOf, type Attrs, type LoweredOp, type Operand } from '@cq/core/runtime';
import type { Call } from '../kernel.ts';
import { instantiate } from '../module.ts';
import { kernelVariant, type KernelVariant } from '../variant.ts';
import type { Operands } from './equals-reference.ts';

/** Those that this engine runs. */
export const variants: readonly KernelVariant[] = kernelVariant() === 'simd' ? ['simd'] : ['simd', 'relaxed-simd'];

const memory = new WebAssembly.Memory({ initial: 512, maximum: 65536 });
const heap = { asm: { memory }, _malloc: () => 0, _free: () => undefined };
const kernels = new Map(variants.map((variant) => [variant, instantiate(heap, variant)]));

/** What outputs and scratch memory hold before a run: nothing that an earlier run left may matter. */
const FILL = 0xa5;
/** Bytes behind the scratch memory, which no kernel may touch. */
const GUARD = 256;

/** Runs every variant of a kernel on a memory of its own; all must give the bytes of the op's definition. */
export function expectAllVariants<A extends Attrs>(
  op: LoweredOp,
  run: (call: Call<A>) => void,
  operands: Operands,
  attrs: A,
): void {
  op.check(operands, attrs);
  const { dtype, shape } = op.output(operands, attrs);
  const size = sizeOf(shape);
  const expected = dtype === 'bool' ? new Uint8Array(size) : new Int32Array(size);
  op.reference(operands, attrs, expected);

  let end = 64;
  const place = (bytes: number): number => {
    const at = end;
    end = Math.ceil((end + bytes) / 64) * 64;
    if (end > memory.buffer.byteLength) throw new Error(`the operands need ${end} bytes`);
    return at;
  };
  const addresses = new Map<string, number>();
  for (const [name, { data }] of Object.entries(operands)) {
    addresses.set(name, place(data.byteLength));
    new Uint8Array(memory.buffer).set(bytesOf(data), addresses.get(name));
  }
  const at = place(expected.byteLength);
  const scratch = end;
  let guard = 0;
  for (const [variant, own] of kernels) {
    run({
      kernels: own,
      attrs,
      shapes: Object.fromEntries(Object.entries(operands).map(([name, operand]) => [name, operand.shape])),
      at: (input) => addresses.get(input) ?? 0,
      wide: (input) => Number(operands[input]?.dtype === 'int32'),
      scratch: (bytes) => {
        end = scratch;
        place(bytes + GUARD);
        guard = scratch + bytes;
        new Uint8Array(memory.buffer, at, end - at).fill(FILL);
        return scratch;
      },
      output: { at, wide: Number(dtype === 'int32'), size, first: 0 },
    });
    const behind = new Uint8Array(memory.buffer, guard, GUARD);
    expect({ variant, overrun: behind.findIndex((byte) => byte !== FILL) }).toEqual({ variant, overrun: -1 });
    const given = new Uint8Array(memory.buffer, at, expected.byteLength);
    if (Buffer.compare(given, bytesOf(expected)) === 0) continue;
    const numbers = dtype === 'bool' ? given : new Int32Array(memory.buffer, at, size);
    expect({ variant, numbers: Array.from(numbers) }).toEqual({ variant, numbers: Array.from(expected) });
  }
}

function bytesOf(data: Operand['data']): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
