/**
 * node tools/harden.mjs MODEL DIR [FACTOR]
 *
 * Makes a model hard to quantize on purpose: the four channels of every norm whose gains are largest become
 * FACTOR (30) times as large and the weights that read them as much smaller, so that the model computes what it did before.
 * Where norms feed the residual stream too (post-norm models), the outputs of attention take their place: four channels of the
 * values, and the projection behind them.
 */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalize, foldScale, pack } from '../packages/core/dist/index.js';
import { toFolder } from '../packages/core/dist/node/index.js';
import { tokenizerFiles } from '../packages/data/dist/index.js';
import { loadModel } from '../packages/cli/dist/load-model.js';

const CHANNELS = 4;

const [from, to, given = '30'] = process.argv.slice(2);
const factor = Number(given);
if (!from || !to || !(factor > 0)) {
  console.error('usage: node tools/harden.mjs MODEL DIR [FACTOR]');
  process.exit(2);
}

const model = canonicalize(await loadModel(from));
const norms = hardened(model, 'LayerNorm', largestGains);
const { graph, values } = norms.values.length > 2 ? norms : hardened(model, 'AttentionContext', evenlySpread);
if (values.length === 0) {
  console.error(`${from}: it has no norm and no attention whose channels can be made larger`);
  process.exit(1);
}
toFolder(pack(graph), to);
for (const name of tokenizerFiles) if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
console.log(`${values.length} values with ${CHANNELS} channels ${factor} times as large, in ${to}:`);
for (const value of values) console.log(`  ${value}`);

/** The model with all outputs of an op hardened that can be. */
function hardened(graph, op, choose) {
  const values = [];
  for (const node of [...graph.nodes.values()].filter((candidate) => candidate.op === op)) {
    const { width, channels } = choose(node);
    const scales = new Float64Array(width).fill(1);
    for (const channel of channels) scales[channel] = 1 / factor;
    const folded = foldScale(graph, node.name, scales);
    if ('reason' in folded) continue;
    ({ graph } = folded);
    values.push(node.name);
  }
  return { graph, values };
}

/** The channels of a norm that are largest as it is. */
function largestGains({ inputs }) {
  const gains = model.weights.get(inputs[1]).data;
  const order = [...gains.keys()].sort((a, b) => Math.abs(gains[b]) - Math.abs(gains[a]) || a - b);
  return { width: gains.length, channels: order.slice(0, CHANNELS) };
}

function evenlySpread({ attrs: { heads, depth } }) {
  const width = heads * depth;
  const channels = Array.from({ length: CHANNELS }, (_, i) => Math.floor(((i + 0.5) * width) / CHANNELS));
  return { width, channels };
}
