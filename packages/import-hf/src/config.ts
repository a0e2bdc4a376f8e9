import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CqError, type Metadata } from '@cq/core';
import { z } from 'zod';
import { excerpt } from './excerpt.ts';

/** What a row says about an architecture: what stands in front of the patches, and what reads it at the end. */
export interface Architecture {
  readonly modelType: string;
  /** In front of the names of all tensors but the heads'. */
  readonly prefix: string;
  /** The learned tokens in front of the patches. */
  readonly tokens: readonly ('cls_token' | 'distillation_token')[];
  /** The classifiers; the first reads the first token, and so on. None: the model shows its hidden state. */
  readonly heads: readonly string[];
}

const vit = { modelType: 'vit', tokens: ['cls_token'] } as const;
const deit = { modelType: 'deit', tokens: ['cls_token', 'distillation_token'] } as const;

/** What can be imported. A variation of a known architecture is a new row. */
export const architectures = {
  ViTForImageClassification: { ...vit, prefix: 'vit.', heads: ['classifier'] },
  ViTModel: { ...vit, prefix: '', heads: [] },
  DeiTForImageClassification: { ...deit, prefix: 'deit.', heads: ['classifier'] },
  DeiTForImageClassificationWithTeacher: {
    ...deit,
    prefix: 'deit.',
    heads: ['cls_classifier', 'distillation_classifier'],
  },
  DeiTModel: { ...deit, prefix: '', heads: [] },
} as const satisfies Readonly<Record<string, Architecture>>;

export type ArchitectureName = keyof typeof architectures;

/** A config.json as checked: its own fields, with what Hugging Face assumes where it is silent. */
export interface Config extends z.infer<typeof fields> {
  readonly architecture: ArchitectureName;
  /** Class names by index; empty without a classifier. */
  readonly labels: readonly string[];
}

/**
 * Reads config.json and refuses whatever would change the numbers and is not supported.
 * @throws CqError that names the file, the field and its value.
 */
export async function readConfig(folder: string): Promise<Config> {
  const file = join(folder, 'config.json');
  const json = await readJson(file);
  if (json === undefined) {
    throw new CqError(`${file}: does not exist; a Hugging Face folder has config.json and model.safetensors`);
  }
  return parseConfig(json, file);
}

/** @param file What errors call the config. */
export function parseConfig(json: Readonly<Record<string, unknown>>, file = 'config.json'): Config {
  const architecture = architectureOf(json, file);
  for (const [field, harmless] of Object.entries(unsupported)) {
    const value = json[field] ?? harmless;
    if (excerpt(value) !== excerpt(harmless)) {
      throw new CqError(`${file}: ${field} is not supported, got ${excerpt(value)}; remove it`);
    }
  }
  const parsed = fields.safeParse(json);
  if (!parsed.success) throw complaint(file, json, parsed.error.issues[0]!);
  const config = parsed.data;
  const { hidden_size: hidden, num_attention_heads: heads, patch_size: patch, image_size: image } = config;
  if (hidden % heads !== 0) {
    throw new CqError(`${file}: hidden_size must be a multiple of num_attention_heads, got ${hidden} and ${heads}`);
  }
  if (image.some((side) => side % patch !== 0)) {
    throw new CqError(`${file}: image_size must be a multiple of patch_size, got ${image.join(' × ')} and ${patch}`);
  }
  const labels = architectures[architecture].heads.length > 0 ? labelsOf(config, file) : [];
  return { ...config, architecture, labels };
}

/** The fields of preprocessor_config.json, if there is one. */
export async function readPreprocessing(folder: string): Promise<Metadata['preprocessing']> {
  return readJson(join(folder, 'preprocessor_config.json'));
}

async function readJson(file: string): Promise<Record<string, unknown> | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CqError(`${file}: must be readable, got ${code ?? message}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CqError(`${file}: must be JSON, got ${(error as Error).message}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new CqError(`${file}: must be a JSON object, got ${excerpt(json)}`);
  }
  return json as Record<string, unknown>;
}

function architectureOf(json: Readonly<Record<string, unknown>>, file: string): ArchitectureName {
  const supported = Object.keys(architectures).join(', ');
  const listed = json['architectures'];
  if (!Array.isArray(listed) || listed.length !== 1 || typeof listed[0] !== 'string') {
    throw new CqError(
      `${file}: architectures must name one architecture, got ${excerpt(listed)}; supported are ${supported}`,
    );
  }
  const [name] = listed as [string];
  if (!Object.hasOwn(architectures, name)) {
    throw new CqError(`${file}: architecture "${name}" is not supported; supported are ${supported}`);
  }
  const { modelType } = architectures[name as ArchitectureName];
  if (json['model_type'] !== modelType) {
    throw new CqError(`${file}: model_type of ${name} must be "${modelType}", got ${excerpt(json['model_type'])}`);
  }
  return name as ArchitectureName;
}

/** Fields that change the numbers in a way that no graph here reproduces, and the value with which they do not. */
const unsupported: Readonly<Record<string, unknown>> = {
  quantization_config: null,
  pruned_heads: {},
  is_decoder: false,
  is_encoder_decoder: false,
  add_cross_attention: false,
};

const integer = (rule: string) => z.int(rule).positive(rule);
const positive = integer('must be a positive integer');
const imageRule = 'must be a positive integer or [height, width]';
const patchRule = 'must be a positive integer, since patches are square';

/** The fields that the numbers depend on, with the defaults of Hugging Face: older files leave some out. */
const fields = z
  .object({
    hidden_size: positive.default(768),
    num_hidden_layers: positive.default(12),
    num_attention_heads: positive.default(12),
    intermediate_size: positive.default(3072),
    hidden_act: z
      .enum(['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'relu'], 'must be gelu, gelu_new, gelu_pytorch_tanh or relu')
      .default('gelu'),
    layer_norm_eps: z.number('must be a positive number').positive('must be a positive number').default(1e-12),
    /** [height, width] */
    image_size: z
      .union(
        [
          integer(imageRule).transform((side): [number, number] => [side, side]),
          z.tuple([integer(imageRule), integer(imageRule)], imageRule),
        ],
        imageRule,
      )
      .default([224, 224]),
    patch_size: z
      .union(
        [
          integer(patchRule),
          z
            .tuple([integer(patchRule), integer(patchRule)], patchRule)
            .refine(([height, width]) => height === width, patchRule)
            .transform(([side]) => side),
        ],
        patchRule,
      )
      .default(16),
    num_channels: positive.default(3),
    qkv_bias: z.boolean('must be true or false').default(true),
    id2label: z.record(z.string(), z.string('must be a class name'), 'must map "0", "1", … to class names').optional(),
    num_labels: positive.optional(),
  })
  .readonly();

function complaint(file: string, json: unknown, { path, message }: z.core.$ZodIssue): CqError {
  const value = path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], json);
  return new CqError(`${file}: ${path.join('.')} ${message}, got ${excerpt(value)}`);
}

/** Without names Hugging Face calls them LABEL_0, LABEL_1, …, two of them unless `num_labels` says otherwise. */
function labelsOf({ id2label, num_labels: count }: z.infer<typeof fields>, file: string): string[] {
  if (!id2label) return Array.from({ length: count ?? 2 }, (_, index) => `LABEL_${index}`);
  const size = Object.keys(id2label).length;
  if (size === 0) throw new CqError(`${file}: id2label must name at least one class, got {}`);
  if (count !== undefined && count !== size) {
    throw new CqError(`${file}: num_labels must be the number of classes in id2label, got ${count} and ${size}`);
  }
  return Array.from({ length: size }, (_, index) => {
    if (!Object.hasOwn(id2label, index)) {
      throw new CqError(
        `${file}: id2label must count from 0 to ${size - 1}, got ${Object.keys(id2label).slice(0, 8).join(', ')}; "${index}" is missing`,
      );
    }
    return id2label[index]!;
  });
}
