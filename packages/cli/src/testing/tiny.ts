import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const fixture = fileURLToPath(new URL('../../../../test/fixtures/parity/vit/', import.meta.url));

/** A new folder, which goes when the test file is done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cq-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A ViT for 32 × 32 images and seven classes, LABEL_0 to LABEL_6. */
export function tinyModel(folder: string, side = 32): string {
  mkdirSync(folder, { recursive: true });
  for (const file of ['config.json', 'model.safetensors']) cpSync(join(fixture, file), join(folder, file));
  const preprocessing = {
    do_resize: true,
    size: { height: side, width: side },
    resample: 2,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
  };
  writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify(preprocessing));
  return folder;
}

/** `0.png`, `1.png`, … of noise, labelled in turn. */
export async function tinyImages(folder: string, count: number): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const lines = ['file,label'];
  for (let i = 0; i < count; i++) {
    const pixels = Uint8Array.from(
      { length: 40 * 40 * 3 },
      (_, at) => (Math.imul(at + 1, 2654435761 + 97 * i) >>> 13) & 255,
    );
    await sharp(pixels, { raw: { width: 40, height: 40, channels: 3 } })
      .png()
      .toFile(join(folder, `${i}.png`));
    lines.push(`${i}.png,${i % 7}`);
  }
  writeFileSync(join(folder, 'labels.csv'), lines.join('\n'));
  return folder;
}
