import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decompose, toArtifacts } from '@cq/core';
import { toFolder } from '@cq/core/node';
import { importHuggingFace } from '@cq/import-hf';
import sharp from 'sharp';
import { fixture } from './fixture-data.ts';

/** What documents and examples name, in small: models, photos and texts in a folder. */
export async function writeMaterials(folder: string): Promise<void> {
  const at = (...path: string[]): string => join(folder, ...path);
  const size = { height: 32, width: 32 };
  const statistics = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
  const preprocessing = JSON.stringify({
    do_resize: true,
    size,
    resample: 3,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    ...statistics,
  });
  copyModel('vit', at('models/deit-tiny-patch16-224'));
  writeFileSync(at('models/deit-tiny-patch16-224/preprocessor_config.json'), preprocessing);
  copyModel('bert', at('models/minilm-l6-sst2'));
  writeTokenizer(at('models/minilm-l6-sst2'));
  const vit = await importHuggingFace(fixture('vit'));
  toFolder(toArtifacts(decompose(vit)), at('models/from-converter'));

  const labels = vit.metadata.labels!;
  for (const [images, count] of [
    ['photos', 6],
    ['imagenet-val', 4],
  ] as const) {
    mkdirSync(at(images));
    const names = Array.from({ length: count }, (_, i) => `${i}.png`);
    for (const [i, name] of names.entries()) await writeImage(at(images, name), i + 100 * count);
    if (images === 'photos') continue;
    const rows = names.map((name, i) => `${name},${i % labels.length}`);
    writeFileSync(at(images, 'labels.csv'), ['file,label', ...rows, ''].join('\n'));
  }
  await writeImage(at('photo.jpg'), 1);
  mkdirSync(at('sst2'));
  for (const [name, letters] of [
    ['train', 'abcdefgh'],
    ['validation', 'klmno'],
  ] as const) {
    const rows = [...letters].map((letter, i) => `the ${letter} ${letter},LABEL_${i % 2}`);
    writeFileSync(at('sst2', `${name}.csv`), ['text,label', ...rows, ''].join('\n'));
  }
}

function copyModel(name: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const file of ['config.json', 'model.safetensors']) copyFileSync(join(fixture(name), file), join(to, file));
}

/** The tokenizer of the goldens, with the words that the fixture's vocabulary has room for. */
function writeTokenizer(folder: string): void {
  const source = join(__dirname, '../packages/data/test/golden/tokenizers/wordpiece');
  copyFileSync(join(source, 'tokenizer_config.json'), join(folder, 'tokenizer_config.json'));
  const tokenizer = JSON.parse(readFileSync(join(source, 'tokenizer.json'), 'utf8')) as {
    model: { vocab: Record<string, number> };
  };
  const vocab = Object.fromEntries(Object.entries(tokenizer.model.vocab).filter(([, id]) => id < 60));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...tokenizer, model: { ...tokenizer.model, vocab } }));
}

function writeImage(file: string, seed: number): Promise<unknown> {
  const data = Uint8Array.from({ length: 40 * 50 * 3 }, (_, i) => 128 + 120 * Math.sin((seed + 1) * i * 12.9898));
  return sharp(data, { raw: { width: 40, height: 50, channels: 3 } }).toFile(file);
}
