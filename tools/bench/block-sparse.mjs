/**
 * CqLinear 197 × 768 × 3072 with a table, 8 bits, and the same with tiles of 8 outputs by 16 inputs that are zero, in turns:
 * `node tools/bench/block-sparse.mjs [SECONDS]` prints one JSON document: rows as those of profile.mjs.
 */
import '../../packages/backend-wasm/dist/index.js';
import { CqLinear, layoutOf, toPanels } from '../../packages/core/dist/runtime/index.js';
import { randomOf } from '../../packages/core/dist/index.js';
import { median } from '../../packages/eval/dist/index.js';
import { tf } from './tensorflow.mjs';

const [rows, inputs, outputs] = [197, 768, 3072];
const seconds = Number(process.argv[2] ?? 2);
const random = randomOf(1);
const codes = (length) => Int8Array.from({ length }, () => Math.floor(256 * random.uniform()) - 128);

/** A weight of which so many tiles are zero. */
function weight(zeros) {
  const values = codes(outputs * inputs);
  const live = Array.from({ length: (outputs / 8) * (inputs / 16) }, () => random.uniform() >= zeros);
  const masked = values.map((code, i) =>
    live[Math.floor(i / inputs / 8) * (inputs / 16) + Math.floor((i % inputs) / 16)] ? code : 0,
  );
  return tf.tensor(toPanels(masked, outputs, inputs, 8), undefined, 'bool');
}

tf.enableProdMode();
await tf.setBackend('wasm');
const attrs = {
  ...{ outputs, inputs, weightBits: 8, layout: layoutOf(8), bits: 8, zeroPoint: 3, tableBits: 12, tableZeroPoint: 7 },
  ...{ residual: false, residualMultiplier: 1, residualZeroPoint: 0, inputScale: 1, inputZeroPoint: 0, tableScale: 1 },
  ...{ outputScale: 1, residualScale: 1, activation: 'gelu' },
};
const shared = {
  x: tf.tensor(new Uint8Array(codes(rows * inputs).buffer), [rows, inputs], 'bool'),
  bias: tf.tensor(new Int32Array(outputs), [outputs], 'int32'),
  multiplier: tf.fill([outputs], 0.003),
  table: tf.tensor(new Uint8Array(codes(4096).buffer), [4096], 'bool'),
};
const contestants = [0, 0.5, 0.75].map((zeros) => ({ zeros, w: weight(zeros), times: [] }));
for (let end = performance.now() + 1000 * seconds, round = 0; round < 10 || performance.now() < end; round++) {
  for (const { w, times } of contestants) {
    const start = performance.now();
    tf.engine()
      .runKernel(CqLinear.name, { ...shared, w }, attrs)
      .dispose();
    if (round > 2) times.push(performance.now() - start);
  }
}
const found = contestants.map(({ zeros, times }) => ({
  kernel: 'CqLinear',
  shape: `${rows} × ${inputs} × ${outputs}, table${zeros ? `, ${100 * zeros} % of tiles zero` : ''}`,
  ...{ weightBits: 8, multiplications: rows * inputs * outputs, best: Math.min(...times), median: median(times) },
}));
console.log(JSON.stringify({ rows: found }));
