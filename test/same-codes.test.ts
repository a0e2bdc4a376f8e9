import '@cq/backend-wasm';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compress, int8, lower, type Graph } from '@cq/core';
import { importHuggingFace } from '@cq/import-hf';
import { setBackend } from '@tensorflow/tfjs-core';
import { asExported } from './exporter.ts';
import { noiseImages } from './noise-images.ts';
import { structureOf } from './structure.ts';

const deit = join(__dirname, '../../shared/models/deit-tiny-patch16-224');
const present = existsSync(deit);
if (!present) process.stdout.write('skipped: DeiT-Tiny is not in ../shared/models/deit-tiny-patch16-224\n');

beforeAll(() => setBackend('wasm'));

/** Everything about a compressed model but its names: ops, attributes, and every code, scale and table. */
async function compressed(model: Graph, side: number, samples: number): Promise<readonly string[]> {
  const { graph } = await compress(model, int8(), { calibration: noiseImages(samples, side) });
  return structureOf(lower(graph).graph);
}

test.each([1, 2, 3])('a ViT that another exporter wrote (seed %i) is compressed to the same codes', async (seed) => {
  const model = await importHuggingFace(join(__dirname, 'fixtures/parity/vit'));
  expect(await compressed(asExported(model, seed), 32, 4)).toEqual(await compressed(model, 32, 4));
});

(present ? test : test.skip)('so is DeiT-Tiny', async () => {
  const model = await importHuggingFace(deit);
  const codes = await compressed(model, 224, 2);
  expect(codes.filter((node) => node.startsWith('CqLinear')).length).toBe(73);
  expect(await compressed(asExported(model, 1), 224, 2)).toEqual(codes);
});
