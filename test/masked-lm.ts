import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Graph } from '@cq/core';
import { importHuggingFace, readSafetensors, writeSafetensors, type Tensor } from '@cq/import-hf';
import { fixture } from './fixture-data.ts';

/** The parity BERT with a masked-LM head, whose decoder is tied to the word embeddings. */
export async function maskedLanguageModel(): Promise<Graph> {
  const config = JSON.parse(readFileSync(join(fixture('bert'), 'config.json'), 'utf8')) as Record<string, unknown>;
  const { tensors } = await readSafetensors(join(fixture('bert'), 'model.safetensors'));
  const wave = (...shape: number[]): Tensor => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((size, length) => size * length) }, (_, i) => Math.sin(i * 1.7) / 4),
  });
  const head = 'cls.predictions';
  const given = new Map([
    ...[...tensors].filter(([name]) => name.startsWith('bert.') && !name.includes('pooler')),
    [`${head}.transform.dense.weight`, wave(32, 32)],
    [`${head}.transform.dense.bias`, wave(32)],
    [`${head}.transform.LayerNorm.weight`, wave(32)],
    [`${head}.transform.LayerNorm.bias`, wave(32)],
    [`${head}.bias`, wave(99)],
  ] as const);
  const folder = mkdtempSync(join(tmpdir(), 'cq-masked-lm-'));
  try {
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, architectures: ['BertForMaskedLM'] }));
    writeFileSync(join(folder, 'model.safetensors'), writeSafetensors(given));
    return await importHuggingFace(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
