import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { executor, fromArtifacts, type ArrayTensor } from '@cq/core';
import { readArtifacts } from '@cq/core/node';
import { sequenceDigest } from '@cq/eval';

/** Power-of-two models of a small ViT, ten images of bytes, and the SHA-256 of their logits, by recipe. */
export const folder = join(__dirname, 'fixtures/h-vit');
export const recipes = ['h-vit', 'h-vit-w4'] as const;
export const images = 10;

/** Pixels along one side. */
const SIDE = 8;

/** A byte b is the pixel (b − 128) / 128, which a float32 holds. */
export function image(index: number): ArrayTensor {
  const size = 3 * SIDE * SIDE;
  const bytes = readFileSync(join(folder, 'images.bin')).subarray(index * size, (index + 1) * size);
  return { dtype: 'float32', shape: [1, 3, SIDE, SIDE], data: Float32Array.from(bytes, (byte) => (byte - 128) / 128) };
}

export function committedDigest(recipe: string): string | undefined {
  return (JSON.parse(readFileSync(join(folder, 'digests.json'), 'utf8')) as Record<string, string>)[recipe];
}

/** Of the logits of a committed model on the committed images, on the current backend. */
export async function logitsDigest(recipe: string): Promise<string> {
  const model = executor(fromArtifacts(readArtifacts(join(folder, recipe))));
  const digest = sequenceDigest(images);
  for (let i = 0; i < images; i++) {
    const [logits] = model.run({ pixels: image(i) });
    await digest.set(i, logits!.dataSync<'float32'>());
    logits!.dispose();
  }
  model.dispose();
  return digest.hex();
}
