import { instantiate, withSharedMemory } from './module.ts';
import { contentsOf, MEMORY_GROW, RELAXED_DOT, RELAXED_SWIZZLE, section } from './testing/binary.ts';
import { variants } from './testing/variants.ts';
import { kernelBytes } from './variant.ts';

describe.each(variants)('%s', (variant) => {
  const binary = kernelBytes(variant);
  const { sections, opcodes, vectors } = contentsOf(binary);

  test('the module has no static data, start function, table or memory of its own', () => {
    const allowed: readonly number[] = [section.type, section.import, section.function, section.export, section.code];
    expect(sections.filter((id) => !allowed.includes(id) && id !== section.custom)).toEqual([]);
  });

  test('the module imports a memory and nothing else, and cannot grow it', () => {
    expect(WebAssembly.Module.imports(new WebAssembly.Module(binary))).toEqual([
      { module: 'env', name: 'memory', kind: 'memory' },
    ]);
    expect(opcodes).not.toContain(MEMORY_GROW);
  });

  test('of the relaxed instructions it has the two that are exact for their operands, or none', () => {
    const relaxed = [...vectors].filter((kind) => kind >= 0x100).sort((a, b) => a - b);
    expect(relaxed).toEqual(variant === 'relaxed-simd' ? [RELAXED_SWIZZLE, RELAXED_DOT] : []);
  });

  test('the shared form takes a shared memory, the plain one does not', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const heap = { asm: {}, wasmMemory: memory, _malloc: () => 0, _free: () => undefined };
    const kernels = instantiate(heap, variant);
    new Float32Array(memory.buffer, 0, 3).set([1, -2.5, 300]);
    kernels.quantize(0, 3, 0.5, -128, 127, 0, 64, 0);
    expect([...new Int8Array(memory.buffer, 64, 3)]).toEqual([2, -5, 127]);
    expect(() => new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } })).toThrow();
    expect(WebAssembly.validate(withSharedMemory(binary))).toBe(true);
  });
});

test('memory.grow would be found', () => {
  const type = [section.type, 4, 1, 0x60, 0, 0];
  const code = [section.code, 9, 1, 7, 0, 0x41, 1, MEMORY_GROW, 0, 0x1a, 0x0b];
  const grows = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...type, section.function, 2, 1, 0, 5, 3, 1, 0, 1, ...code];
  expect(WebAssembly.validate(new Uint8Array(grows))).toBe(true);
  expect(contentsOf(new Uint8Array(grows)).opcodes).toContain(MEMORY_GROW);
  expect(contentsOf(new Uint8Array(grows)).sections).toContain(5);
});

test('a backend without a memory is an error that says so', () => {
  expect(() => instantiate({ asm: {}, _malloc: () => 0, _free: () => undefined })).toThrow('shows no memory');
});
