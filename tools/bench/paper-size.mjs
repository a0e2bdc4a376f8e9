/**
 * A model of the size of multilingual BERT (12 layers of 768 channels, 119,547 words, 177.9 M parameters, random numbers), in
 * float and with everything in 8 bits: bytes, how long compressing takes and in how much memory, and the latency of one text
 * of 32 tokens beside that of the float model on TensorFlow.js's own kernels. What a model computes does not change these.
 *
 *     node tools/bench/paper-size.mjs [FOLDER] [ROUNDS]      after `npm run build`; takes 2 GB of disk, given back at the end
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import '../../packages/backend-wasm/dist/index.js';
import '../../packages/backend-wasm/dist/float/index.js';
import { race } from '../../examples/bengali-emotion/dist/race.js';
import { peakMemory } from '../../packages/cli/dist/peak-memory.js';
import { compress, int8, lower, pack } from '../../packages/core/dist/index.js';
import { toFolder } from '../../packages/core/dist/node/index.js';
import { importHuggingFace, writeSafetensors } from '../../packages/import-hf/dist/index.js';
import { tf } from './tensorflow.mjs';

const [WORDS, WIDTH, LAYERS, POSITIONS, TOKENS] = [119_547, 768, 12, 512, 32];
const [first, ...others] = process.argv.slice(2);
const steps = { make, compress: compressed };
if (first in steps) await steps[first](...others);
else await all(first, others[0]);

async function all(parent = tmpdir(), rounds = '20') {
  const folder = mkdtempSync(join(parent, 'cq-paper-size-'));
  try {
    const [source, float, integer] = ['source', 'float', 'int8'].map((name) => join(folder, name));
    step('make', source, float);
    step('compress', source, integer);
    const [before, after] = [bytesIn(float), bytesIn(integer)];
    console.log(`${megabytes(before)} in float, ${megabytes(after)} in int8: ${(before / after).toFixed(2)}× smaller`);
    const runners = [
      { folder: integer, kernels: 'ours' },
      { folder: float, kernels: 'stock' },
    ];
    const [own, stock] = await race(runners, texts(Number(rounds)), Number(rounds));
    for (const [name, { median, p95, resident }] of [
      ['int8, our kernels', own],
      ['float, TensorFlow.js', stock],
    ])
      console.log(
        `${name}: median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, ${megabytes(resident)} of weights resident`,
      );
    console.log(`${(stock.median / own.median).toFixed(2)}× faster, one thread, in turns`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function step(...args) {
  const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...args], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`paper-size: ${args[0]} ended with code ${status}`);
}

async function make(source, float) {
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'config.json'), JSON.stringify(config()));
  writeFileSync(join(source, 'model.safetensors'), writeSafetensors(tensors()));
  toFolder(pack(await importHuggingFace(source)), float);
}

async function compressed(source, integer) {
  const start = performance.now();
  await tf.setBackend('wasm');
  const model = await importHuggingFace(source);
  const { graph } = await compress(model, int8(), { calibration: texts(4) });
  toFolder(pack(lower(graph).graph), integer);
  const seconds = (performance.now() - start) / 1000;
  console.log(`compressed in ${seconds.toFixed(0)} s, at most ${megabytes(peakMemory())} resident`);
}

function config() {
  return {
    ...{
      architectures: ['BertForSequenceClassification'],
      model_type: 'bert',
      hidden_act: 'gelu',
      layer_norm_eps: 1e-12,
    },
    ...{ hidden_size: WIDTH, num_hidden_layers: LAYERS, num_attention_heads: 12, intermediate_size: 4 * WIDTH },
    ...{ vocab_size: WORDS, max_position_embeddings: POSITIONS, type_vocab_size: 2, pad_token_id: 0 },
    id2label: Object.fromEntries(Array.from({ length: 6 }, (_, i) => [i, `class ${i}`])),
  };
}

function tensors() {
  const found = new Map();
  let state = 1;
  const random = (name, ...shape) => {
    const data = new Float32Array(shape.reduce((size, length) => size * length, 1));
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      data[i] = state * 2 ** -31 * 0.035; // the deviation is 0.02
    }
    found.set(name, { shape, data });
  };
  const linear = (name, outputs, inputs) => {
    random(`${name}.weight`, outputs, inputs);
    random(`${name}.bias`, outputs);
  };
  const norm = (name) => {
    found.set(`${name}.weight`, { shape: [WIDTH], data: new Float32Array(WIDTH).fill(1) });
    found.set(`${name}.bias`, { shape: [WIDTH], data: new Float32Array(WIDTH) });
  };
  random('bert.embeddings.word_embeddings.weight', WORDS, WIDTH);
  random('bert.embeddings.position_embeddings.weight', POSITIONS, WIDTH);
  random('bert.embeddings.token_type_embeddings.weight', 2, WIDTH);
  norm('bert.embeddings.LayerNorm');
  for (let i = 0; i < LAYERS; i++) {
    const at = `bert.encoder.layer.${i}`;
    for (const part of ['query', 'key', 'value']) linear(`${at}.attention.self.${part}`, WIDTH, WIDTH);
    linear(`${at}.attention.output.dense`, WIDTH, WIDTH);
    norm(`${at}.attention.output.LayerNorm`);
    linear(`${at}.intermediate.dense`, 4 * WIDTH, WIDTH);
    linear(`${at}.output.dense`, WIDTH, 4 * WIDTH);
    norm(`${at}.output.LayerNorm`);
  }
  linear('bert.pooler.dense', WIDTH, WIDTH);
  linear('classifier', 6, WIDTH);
  return found;
}

/** Random tokens, `count` times `TOKENS`. */
function texts(count) {
  const row = (values) => ({ dtype: 'int32', shape: [1, TOKENS], data: Int32Array.from(values) });
  const at = (text) => ({
    input_ids: row(Array.from({ length: TOKENS }, (_, i) => ((text * TOKENS + i + 1) * 7919) % WORDS)),
    attention_mask: row(new Array(TOKENS).fill(1)),
    token_type_ids: row(new Array(TOKENS).fill(0)),
  });
  return {
    name: 'random tokens',
    size: count,
    async *batches(_, indices = Array.from({ length: count }, (_, text) => text)) {
      for (const text of indices) yield { inputs: at(text), indices: [text] };
    },
  };
}

function bytesIn(folder) {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
