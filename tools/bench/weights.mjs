/* global WebAssembly */
/**
 * CqLinear by the bits of its weights and by the instructions of its kernels, on one thread, without TensorFlow.js around it:
 * `node tools/bench/weights.mjs [SECONDS per row]`, after `npm run build`. All cells of a row are measured in turns; the best
 * of each counts. Time is the processor's, so that other work on the machine hardly matters.
 */
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { layoutOf, panelBytes } from '../../packages/core/dist/runtime/index.js';

setFlagsFromString('--experimental-wasm-relaxed-simd'); // Node 20
const { peaks } = await import('./peak.mjs');

const seconds = Number(process.argv[2] ?? 10);
const memory = new WebAssembly.Memory({ initial: 2048, maximum: 65536 });
const heap = new Uint8Array(memory.buffer).map(() => Math.random() * 256);
const variants = [
  ['plain', await load('kernels')],
  ['relaxed', await load('relaxed-kernels')],
];
const weights = [8, 4, 3, 2, 1];

async function load(name) {
  const binary = await readFile(new URL(`../../packages/backend-wasm/src/generated/${name}.wasm`, import.meta.url));
  return new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } }).exports;
}

/** What becomes of the sums, as assembly/epilogue.ts numbers it, and the largest code. */
const ends = { raw: [0, 32767], codes: [1, 127], table: [2, 511], 'int16 residual': [4, 32767] };

const shapes = [
  [197, 192, 192, 'int16 residual'],
  [197, 192, 768, 'table'],
  [197, 768, 192, 'int16 residual'],
  [197, 768, 3072, 'table'],
  [197, 3072, 768, 'int16 residual'],
  [64, 384, 1536, 'table'],
  [4, 768, 768, 'codes'],
  [1, 768, 1000, 'raw'],
];

/** Random operands in memory, and a call of the kernel on them. */
function linear(kernels, [rows, inputs, outputs, end], bits) {
  let free = 64;
  const place = (bytes) => {
    const at = free;
    free += Math.ceil(bytes / 64) * 64;
    return at;
  };
  const [kind, high] = ends[end];
  const multiplier = place(4 * outputs);
  new Float32Array(memory.buffer, multiplier, outputs).fill(1e-3);
  const wide = kind === 0 || kind === 4;
  const parameters = [
    ...[place(rows * inputs), rows, inputs, place(panelBytes(outputs, inputs, bits)), bits, outputs],
    ...[place(4 * outputs), multiplier, kind, -high - 1, high, 0, place(1024) + 512],
    ...[place(4 * rows * outputs), 0.5, 0, place(4 * rows * outputs), Number(wide)],
    place(kernels.linearScratch(inputs, bits, rows)),
  ];
  if (free > heap.length) throw new Error(`${free} bytes are needed`);
  return () => kernels.linear(...parameters);
}

const peak = peaks();
const cells = weights.flatMap((bits) => variants.map(([name, kernels]) => ({ bits, name, kernels })));
const line = (first, rest) => [first.padEnd(36), ...rest.map((text) => text.padStart(9))].join('');
console.log(`GMAC/s; layouts ${[...new Set(weights.map(layoutOf))].join(', ')}`);
console.log(
  line(
    '',
    cells.map(({ bits }) => `${bits} bits`),
  ),
);
console.log(
  line(
    '',
    cells.map(({ name }) => name),
  ),
);
for (const shape of shapes) {
  const [rows, inputs, outputs, end] = shape;
  const multiplications = rows * inputs * outputs;
  const calls = Math.ceil(2e7 / multiplications);
  const best = cells.map(() => Infinity);
  for (const stop = performance.now() + 1000 * seconds; performance.now() < stop; peak.measure()) {
    for (const [i, { bits, kernels }] of cells.entries()) {
      const run = linear(kernels, shape, bits);
      for (let repeat = 0; repeat < 3; repeat++) {
        const start = process.cpuUsage();
        for (let call = 0; call < calls; call++) run();
        const { user, system } = process.cpuUsage(start);
        best[i] = Math.min(best[i], (user + system) / calls);
      }
    }
  }
  console.log(
    line(
      `${rows} × ${inputs} × ${outputs}, ${end}`,
      best.map((micros) => (multiplications / micros / 1e3).toFixed(1)),
    ),
  );
}
for (const [name, rate] of Object.entries(peak.best)) console.log(`peak of ${name}: ${rate.toFixed(1)} GMAC/s`);
