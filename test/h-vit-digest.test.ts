import { kernelVariant } from '@cq/backend-wasm';
import '@tensorflow/tfjs-backend-cpu';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compress, fromArtifacts, integerOnly, lower, pack, type Dataset } from '@cq/core';
import { readArtifacts, toFolder } from '@cq/core/node';
import { hVit, hVitW4 } from '@cq/quant-pot';
import { setBackend } from '@tensorflow/tfjs-core';
import { committedDigest, folder, image, images, logitsDigest, recipes } from './h-vit-digest.ts';
import { tinyViT } from './tiny-vit.ts';

/** `UPDATE_FIXTURES=1 npx jest test/h-vit-digest.test.ts` writes models and digests anew. */
if (process.env['UPDATE_FIXTURES'] !== undefined) beforeAll(updateFixtures);

describe.each(recipes)('the logits of %s have the committed digest', (recipe) => {
  test.each(['cpu', 'wasm'])('on %s', async (backend) => {
    await setBackend(backend);
    expect(await logitsDigest(recipe)).toBe(committedDigest(recipe));
  });

  test('between the first quantizer and the last dequantizer there is no float', () => {
    expect(integerOnly(fromArtifacts(readArtifacts(join(folder, recipe))))).toBe(true);
  });
});

test('wasm runs relaxed SIMD here', () => {
  expect(kernelVariant()).toBe('relaxed-simd');
});

async function updateFixtures(): Promise<void> {
  await setBackend('cpu');
  const calibration: Dataset = {
    name: 'images',
    size: images,
    async *batches(_, indices = Array.from({ length: images }, (__, i) => i)) {
      for (const i of indices) yield { inputs: { pixels: image(i) } };
    },
  };
  const digests: Record<string, string> = {};
  for (const [i, recipe] of recipes.entries()) {
    const model = tinyViT({ blocks: 2, hidden: 16, heads: 2, side: 4, patch: 2 }, 1);
    const { graph } = await compress(model, [hVit, hVitW4][i]!(), { calibration });
    rmSync(join(folder, recipe), { recursive: true, force: true });
    toFolder(pack(lower(graph).graph), join(folder, recipe));
    digests[recipe] = await logitsDigest(recipe);
  }
  writeFileSync(join(folder, 'digests.json'), `${JSON.stringify(digests, undefined, 2)}\n`);
}
