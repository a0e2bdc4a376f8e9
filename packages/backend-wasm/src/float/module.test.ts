import { instantiateOn, withSharedMemory } from '../heap.ts';
import { contentsOf, MEMORY_GROW, section } from '../testing/binary.ts';
import { floatKernelBytes, type FloatKernels } from './module.ts';

const { sections, opcodes } = contentsOf(floatKernelBytes());

test('the module has no static data, start function, table or memory of its own', () => {
  const allowed: readonly number[] = [section.type, section.import, section.function, section.export, section.code];
  expect(sections.filter((id) => !allowed.includes(id) && id !== section.custom)).toEqual([]);
});

test('the module imports a memory and nothing else, and cannot grow it', () => {
  expect(WebAssembly.Module.imports(new WebAssembly.Module(floatKernelBytes()))).toEqual([
    { module: 'env', name: 'memory', kind: 'memory' },
  ]);
  expect(opcodes).not.toContain(MEMORY_GROW);
});

test('the shared form computes on a shared memory', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const heap = { asm: {}, wasmMemory: memory, _malloc: () => 0, _free: () => undefined };
  const kernels = instantiateOn<FloatKernels>(heap, floatKernelBytes());
  new Float32Array(memory.buffer, 64, 6).set([1, 2, 3, 4, 5, 6]);
  kernels.sumRows(64, 2, 3, 128);
  expect([...new Float32Array(memory.buffer, 128, 3)]).toEqual([5, 7, 9]);
  expect(WebAssembly.validate(withSharedMemory(floatKernelBytes()))).toBe(true);
});
