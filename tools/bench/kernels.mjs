/* global WebAssembly */
/**
 * Speed of the integer kernels of @cq/backend-wasm on one thread, without TensorFlow.js around them:
 * `node tools/bench/kernels.mjs [seconds per row]`, after `npm run build`. Best of all runs, as other work on the machine
 * only ever adds time; the median says how much of it there was.
 */
import { readFile } from 'node:fs/promises';

const seconds = Number(process.argv[2] ?? 1);
const binary = await readFile(new URL('../../packages/backend-wasm/src/generated/kernels.wasm', import.meta.url));
const memory = new WebAssembly.Memory({ initial: 2048, maximum: 65536 });
const { exports: kernels } = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });

let end = 64;
/** So many bytes of the memory, filled with random ones if asked. */
function place(bytes, random = true) {
  const at = end;
  end += Math.ceil(bytes / 64) * 64;
  if (random) for (let i = 0; i < bytes; i++) heap[at + i] = Math.random() * 256;
  return at;
}
const heap = new Uint8Array(memory.buffer);
const floats = (count, value) => {
  const at = place(4 * count, false);
  new Float32Array(memory.buffer, at, count).fill(value);
  return at;
};
const integers = (count, value) => {
  const at = place(4 * count, false);
  new Int32Array(memory.buffer, at, count).set(Array.from({ length: count }, (_, i) => value(i)));
  return at;
};

const [RAW, CODES, TABLE, ADD_INT32] = [0, 1, 2, 4];

function linear(rows, inputs, outputs, kind) {
  end = 64;
  const wide = kind === RAW || kind === ADD_INT32;
  const high = wide ? 32767 : kind === TABLE ? 511 : 127;
  const parameters = [
    ...[place(rows * inputs), rows, inputs, place(Math.ceil(outputs / 8) * 8 * inputs), outputs],
    ...[integers(outputs, () => 5), floats(outputs, 1e-3), kind, -high - 1, high, 0, place(1024) + 512],
    ...[integers(rows * outputs, (i) => i % 1000), 0.5, 0, place(rows * outputs * 4, false), Number(wide)],
    place(kernels.linearScratch(inputs, rows), false),
  ];
  return { multiplications: rows * inputs * outputs, run: () => kernels.linear(...parameters) };
}

function attention(tokens, heads, depth, level, kept) {
  end = 64;
  const channels = heads * depth;
  const parameters = [
    ...[place(tokens * channels), place(tokens * channels), place(tokens * channels)],
    ...[integers(256, (i) => 10_000_000 * 0.97 ** i), integers(256, level)],
    ...[kept === undefined ? 0 : integers(tokens, (i) => Number(i < kept)), 1, tokens, channels, heads],
    ...[1e-3, -128, 127, 0, 1000, 255, 1e-3, -128, 127, 0, place(tokens * channels, false), 0],
    place(kernels.attentionScratch(tokens, depth), false),
  ];
  return {
    multiplications: 2 * heads * tokens * (kept ?? tokens) * depth,
    run: () => kernels.attention(...parameters),
  };
}

function patchEmbed(size, patch, outputs) {
  end = 64;
  const inputs = 3 * patch * patch;
  const patches = (size / patch) ** 2;
  const parameters = [
    ...[place(3 * size * size), 1, 3, size, size, patch, 1, place(outputs * inputs), outputs],
    ...[integers(outputs, () => 5), floats(outputs, 1e-3), floats((patches + 1) * outputs, 3), -32768, 32767, 0],
    ...[place((patches + 1) * outputs * 4, false), 1, place(kernels.patchEmbedScratch(inputs, patches), false)],
  ];
  return { multiplications: patches * inputs * outputs, run: () => kernels.patchEmbed(...parameters) };
}

function layerNorm(rows, channels) {
  end = 64;
  const parameters = [
    ...[integers(rows * channels, (i) => ((i * 7919) % 60000) - 30000), 1, rows, channels],
    ...[floats(channels, 30), floats(channels, 2), 1, -128, 127, 0, place(rows * channels), 0],
  ];
  return { elements: rows * channels, run: () => kernels.layerNorm(...parameters) };
}

function quantize(size) {
  end = 64;
  const parameters = [floats(size, 1.234), size, 0.02, -128, 127, 0, place(size), 0];
  return { elements: size, run: () => kernels.quantize(...parameters) };
}

function embedding(count, vocabulary, channels) {
  end = 64;
  const parameters = [
    ...[integers(count, (i) => (i * 7919) % vocabulary), count, place(vocabulary * channels, false), vocabulary],
    ...[channels, floats(vocabulary, 0.1), place(4 * count * channels, false)],
  ];
  return { elements: count * channels, run: () => kernels.embedding(...parameters) };
}

function dequantize(rows, channels) {
  end = 64;
  const size = rows * channels;
  const parameters = [integers(size, (i) => i), 1, size, floats(channels, 0.1), channels, 0, place(4 * size)];
  return { elements: size, run: () => kernels.dequantize(...parameters) };
}

/** dot + add of int16 pairs on 8 accumulators, nothing loaded or stored: what no kernel of this kind can exceed. */
function peak() {
  const times = 100_000;
  const [get, set, simd] = [0x20, 0x21, 0xfd];
  const [splat, lane, add, dot] = [
    [simd, 0x11],
    [simd, 0x1b, 0],
    [simd, 0xae, 1],
    [simd, 0xba, 1],
  ];
  // Locals: 0 the counter, 1 to 8 the sums, 9 to 12 the factors. They change, lest a product be hoisted, and no two
  // products are the same.
  const pairs = [9, 10, 11].flatMap((left) =>
    [9, 10, 11, 12].filter((right) => right >= left).map((right) => [left, right]),
  );
  const step = pairs.slice(0, 8).flatMap(([l, r], i) => [get, 1 + i, get, l, get, r, ...dot, ...add, set, 1 + i]);
  for (const factor of [9, 10, 11]) step.push(get, factor, get, 12, ...add, set, factor);
  const factors = [9, 10, 11, 12].flatMap((local) => [get, 0, 0x41, local, 0x6a, ...splat, set, local]);
  const total = [get, 1, ...[2, 3, 4, 5, 6, 7, 8].flatMap((local) => [get, local, ...add]), ...lane];
  const again = [get, 0, 0x41, 0x7f, 0x6a, 0x22, 0, 0x0d, 0];
  const sized = (bytes) => [(bytes.length & 127) | 128, bytes.length >> 7, ...bytes];
  const code = [1, 12, 0x7b, ...factors, 0x03, 0x40, ...step, ...again, 0x0b, ...total, 0x0b];
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0];
  const module = new WebAssembly.Module(new Uint8Array([...header, 10, ...sized([1, ...sized(code)])]));
  const { f } = new WebAssembly.Instance(module).exports;
  return { multiplications: 8 * times * 8, run: () => f(times) };
}

const rows = [
  ['peak of int16 dot + add', peak],
  ['linear 197 × 192 × 192, int16 residual', () => linear(197, 192, 192, ADD_INT32)],
  ['linear 197 × 192 × 576', () => linear(197, 192, 576, CODES)],
  ['linear 197 × 192 × 768, table', () => linear(197, 192, 768, TABLE)],
  ['linear 197 × 768 × 192, int16 residual', () => linear(197, 768, 192, ADD_INT32)],
  ['linear 197 × 768 × 3072, table', () => linear(197, 768, 3072, TABLE)],
  ['linear 197 × 3072 × 768, int16 residual', () => linear(197, 3072, 768, ADD_INT32)],
  ['linear 1576 × 768 × 3072, table', () => linear(1576, 768, 3072, TABLE)],
  ['linear 1 × 192 × 1000, raw', () => linear(1, 192, 1000, RAW)],
  ['attention 197 tokens, 3 heads of 64', () => attention(197, 3, 64, (i) => i)],
  ['the same, levels looked up', () => attention(197, 3, 64, (i) => i * i)],
  ['the same, half of the keys masked', () => attention(197, 3, 64, (i) => i * i, 98)],
  ['patch embedding 224 / 16 → 192', () => patchEmbed(224, 16, 192)],
  ['layer norm 197 × 192', () => layerNorm(197, 192)],
  ['quantize 3 × 224 × 224', () => quantize(3 * 224 * 224)],
  ['dequantize 197 × 192', () => dequantize(197, 192)],
  ['embedding 197 of 30522 × 192', () => embedding(197, 30522, 192)],
];

console.log(['kernel'.padEnd(42), 'best µs', 'median µs', 'G/s at best'].join('  '));
for (const [name, make] of rows) {
  const { multiplications, elements, run } = make();
  const times = [];
  for (const stop = performance.now() + seconds * 1000; performance.now() < stop;) {
    const start = performance.now();
    run();
    times.push((performance.now() - start) * 1000);
  }
  times.sort((a, b) => a - b);
  const rate = (multiplications ?? elements) / times[0] / 1000;
  console.log(
    [
      name.padEnd(42),
      times[0].toFixed(0).padStart(7),
      times[times.length >> 1].toFixed(0).padStart(9),
      `${rate.toFixed(1).padStart(7)} ${multiplications ? 'MAC' : 'elements'}`,
    ].join('  '),
  );
}
