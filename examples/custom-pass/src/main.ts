/** What `dropSmall` does to a small model, alone and with quantization: how many zeros, how many bytes, at what error. */
import '@tensorflow/tfjs-backend-cpu';
import { gzipSync } from 'node:zlib';
import { compress, executor, lower, pack, quantizeUniform, raise, weightOf, type Graph, type Pass } from '@cq/core';
import { dropSmall } from './drop-small.ts';
import { noise } from './noise.ts';
import { twoLayers } from './two-layers.ts';

const model = twoLayers();
const calibration = noise(64, 1);
const unseen = noise(64, 2);
const below = 0.02;

const variants: Readonly<Record<string, readonly Pass[]>> = {
  'the model': [],
  dropSmall: [dropSmall({ below })],
  quantizeUniform: [quantizeUniform()],
  'dropSmall, quantizeUniform': [dropSmall({ below }), quantizeUniform()],
};

print(['', 'sparsity', 'bytes', 'gzipped', 'SQNR', 'left in float']);
for (const [name, passes] of Object.entries(variants)) {
  const { graph } = await compress(model, passes, { calibration });
  const { graph: lowered, left } = lower(graph);
  const bytes = new Uint8Array(pack(lowered).weightData as ArrayBuffer);
  const noiseRatio = sqnr(await outputs(model), await outputs(lowered));
  print([
    name,
    `${(100 * sparsity(lowered)).toFixed(2)} %`,
    bytes.length.toLocaleString('en-US'),
    gzipSync(bytes).length.toLocaleString('en-US'),
    Number.isFinite(noiseRatio) ? `${noiseRatio.toFixed(1)} dB` : '–',
    left.map(({ value }) => value).join(', '),
  ]);
}

/** Zeros among the weights of the matrix products as they are stored: `raise` decodes them. */
function sparsity(lowered: Graph): number {
  const graph = raise(lowered);
  const products = [...graph.nodes.values()].filter(({ op }) => op === 'MatMul');
  const weights = products.flatMap(({ inputs }) => [...weightOf(graph, inputs[1])!.data]);
  return weights.filter((weight) => weight === 0).length / weights.length;
}

async function outputs(graph: Graph): Promise<Float32Array> {
  const loaded = executor(graph);
  const values: number[] = [];
  for await (const { inputs } of unseen.batches(16)) {
    const [y] = loaded.run(inputs);
    values.push(...y!.dataSync());
    y!.dispose();
  }
  loaded.dispose();
  return Float32Array.from(values);
}

/** Signal to quantization noise, in dB. */
function sqnr(signal: Float32Array, noisy: Float32Array): number {
  const energy = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
  return 10 * Math.log10(energy(signal) / energy(signal.map((value, index) => value - noisy[index]!)));
}

function print([name, ...cells]: readonly string[]): void {
  const [left, ...numbers] = [...cells].reverse();
  console.log([name!.padEnd(26), ...numbers.reverse().map((cell) => cell.padStart(8)), left].join('  '));
}
