import { mkdir, writeFile } from 'node:fs/promises';
import { preprocessing } from './digits.ts';
import { safetensors } from './safetensors.ts';
import { vitShapes, type VitConfig } from './vit.ts';

/** Writes a ViT whose labels are digits as Hugging Face does: `config.json`, `preprocessor_config.json`, `model.safetensors`. */
export async function writeModel(
  folder: URL,
  { labels, ...sizes }: VitConfig,
  values: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const digits = Array.from({ length: labels }, (_, digit) => digit);
  const config = {
    architectures: ['ViTForImageClassification'],
    model_type: 'vit',
    ...sizes,
    hidden_act: 'gelu',
    qkv_bias: true,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    id2label: Object.fromEntries(digits.map((digit) => [digit, String(digit)])),
    label2id: Object.fromEntries(digits.map((digit) => [digit, digit])),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(new URL('config.json', folder), json(config));
  await writeFile(new URL('preprocessor_config.json', folder), json(preprocessing));
  await writeFile(new URL('model.safetensors', folder), safetensors(values, vitShapes({ labels, ...sizes })));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
