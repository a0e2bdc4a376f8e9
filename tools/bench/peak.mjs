/* global WebAssembly */
/**
 * What no integer kernel can exceed on one thread: products and sums on independent accumulators, nothing loaded or
 * stored. The best of 8, 10 and 12 accumulators, as engines leave different numbers of registers.
 */
const simd = 0xfd;
const [get, set, tee] = [0x20, 0x21, 0x22];
const add = [simd, 0xae, 1];

/** By instructions: how one accumulator takes up one product of vectors, and how many multiplications that is. */
const products = {
  'int16 dot + add': { step: (acc, factor) => [get, acc, get, acc, get, factor, simd, 0xba, 1, ...add], size: 8 },
  'relaxed int8 dot to int16 + add': {
    step: (acc, factor) => [get, acc, get, acc, get, factor, simd, 0x92, 2, simd, 0x8e, 1],
    size: 16,
  },
  'relaxed int8 dot to int32': {
    step: (acc, factor, other) => [get, factor, get, other, get, acc, simd, 0x93, 2],
    size: 16,
  },
};

const LOOPS = 200_000;

/** GMAC/s by instructions; without those that this engine lacks. `run` again and again to keep the best. */
export function peaks() {
  const found = [];
  for (const [name, { step, size }] of Object.entries(products)) {
    for (const accumulators of [8, 10, 12]) {
      const bytes = chains(accumulators, step);
      if (!WebAssembly.validate(bytes)) continue;
      const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
      f(LOOPS);
      found.push({ name, multiplications: LOOPS * accumulators * size, run: () => f(LOOPS) });
    }
  }
  const best = {};
  return {
    best,
    measure() {
      for (const { name, multiplications, run } of found) {
        const start = performance.now();
        run();
        best[name] = Math.max(best[name] ?? 0, multiplications / (performance.now() - start) / 1e6);
      }
    },
  };
}

/** (i32) → i32. Locals: 0 the counter, then the accumulators, then two factors. */
function chains(count, step) {
  const accumulators = Array.from({ length: count }, (_, i) => 1 + i);
  const factors = [count + 1, count + 2];
  const filled = [...accumulators, ...factors].flatMap((at) => [get, 0, 0x41, at, 0x6a, simd, 0x11, set, at]);
  const loop = accumulators.flatMap((at) => [...step(at, ...factors), set, at]);
  const again = [get, 0, 0x41, 0x7f, 0x6a, tee, 0, 0x0d, 0];
  const total = [get, 1, ...accumulators.slice(1).flatMap((at) => [get, at, ...add]), simd, 0x1b, 0];
  const code = [1, count + 2, 0x7b, ...filled, 0x03, 0x40, ...loop, ...again, 0x0b, ...total, 0x0b];
  const sized = (bytes) => [(bytes.length & 127) | 128, bytes.length >> 7, ...bytes];
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0];
  return new Uint8Array([...header, 10, ...sized([1, ...sized(code)])]);
}
