import { CqError, type Graph, type Metadata } from '@cq/core';
import type { z } from 'zod';
import { architectures, type Task } from './architectures.ts';
import type { Checkpoint } from './checkpoint.ts';
import { excerpt } from './excerpt.ts';
import { classFields } from './fields.ts';
import { readJsonFile } from './json-file.ts';
import type { ModelFiles } from './model-files.ts';

/** A config.json as checked, and the graph that it describes. */
export interface Config {
  readonly architecture: string;
  readonly task: Task;
  /** The fields that the numbers depend on, with what Hugging Face assumes where the file is silent. */
  readonly fields: unknown;
  /** Class names by index; empty without a classifier. */
  readonly labels: readonly string[];
  graph(checkpoint: Checkpoint, metadata: Metadata): Graph;
}

/**
 * Reads config.json and refuses whatever would change the numbers and is not supported.
 * @throws CqError that names the file, the field and its value.
 */
export async function readConfig(files: ModelFiles): Promise<Config> {
  const file = files.pathOf('config.json');
  const found = await readJsonFile(files, 'config.json');
  if (!found) throw new CqError(`${file}: does not exist; a Hugging Face folder has config.json and model.safetensors`);
  return parseConfig(found.json, file);
}

/** @param file What errors call the config. */
export function parseConfig(json: Readonly<Record<string, unknown>>, file = 'config.json'): Config {
  const name = architectureOf(json, file);
  const { task, classifies, unsupported, read } = architectures[name]!;
  for (const [field, harmless] of Object.entries({ ...unsupportedEverywhere, ...unsupported })) {
    const value = json[field] ?? harmless;
    if (excerpt(value) !== excerpt(harmless)) {
      throw new CqError(
        `${file}: ${field} is not supported, got ${excerpt(value)}; it must be ${excerpt(harmless)} or absent`,
      );
    }
  }
  const reading = read(json);
  if ('wrong' in reading) {
    const { wrong } = reading;
    throw typeof wrong === 'string' ? new CqError(`${file}: ${wrong}`) : complaint(file, json, wrong);
  }
  const labels = classifies ? labelsOf(json, file) : [];
  const graph: Config['graph'] = (checkpoint, metadata) => reading.graph({ labels, checkpoint, metadata });
  return { architecture: name, task, fields: reading.fields, labels, graph };
}

/** The fields of preprocessor_config.json, if there is one. */
export async function readPreprocessing(files: ModelFiles): Promise<Metadata['preprocessing']> {
  return (await readJsonFile(files, 'preprocessor_config.json'))?.json;
}

function architectureOf(json: Readonly<Record<string, unknown>>, file: string): string {
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
  const { modelType } = architectures[name]!;
  if (json['model_type'] !== modelType) {
    throw new CqError(`${file}: model_type of ${name} must be "${modelType}", got ${excerpt(json['model_type'])}`);
  }
  return name;
}

/** Fields that change the numbers in a way that no graph here reproduces, and the value with which they do not. */
const unsupportedEverywhere: Readonly<Record<string, unknown>> = {
  quantization_config: null,
  pruned_heads: {},
  is_decoder: false,
  is_encoder_decoder: false,
  add_cross_attention: false,
};

function complaint(file: string, json: unknown, { path, message }: z.core.$ZodIssue): CqError {
  const value = path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], json);
  return new CqError(`${file}: ${path.join('.')} ${message}, got ${excerpt(value)}`);
}

/** Without names Hugging Face calls them LABEL_0, LABEL_1, …, two of them unless `num_labels` says otherwise. */
function labelsOf(json: unknown, file: string): string[] {
  const parsed = classFields.safeParse(json);
  if (!parsed.success) throw complaint(file, json, parsed.error.issues[0]!);
  const { id2label, num_labels: count } = parsed.data;
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
