import type { Graph } from '@cq/core';
import type { z } from 'zod';
import type { Family, Model } from './family.ts';
import { bertModules, distilbertModules } from './post-norm.ts';
import { swin } from './swin.ts';
import { bert, distilbert, roberta } from './text.ts';
import { vit } from './vit.ts';
import { yolos } from './yolos.ts';

export type Task =
  'text-classification' | 'fill-mask' | 'feature-extraction' | 'image-classification' | 'object-detection';

/** What config.json calls an architecture, and how a graph comes of it. */
export interface Architecture {
  readonly modelType: string;
  readonly task: Task;
  /** Whether it has class names. */
  readonly classifies: boolean;
  readonly unsupported: Readonly<Record<string, unknown>>;
  /** What the fields say, or what is wrong with them: an issue of one field, or a rule between several. */
  read(json: unknown): Reading | { readonly wrong: z.core.$ZodIssue | string };
}

export interface Reading {
  readonly fields: unknown;
  graph(rest: Pick<Model<unknown, unknown>, 'labels' | 'checkpoint' | 'metadata'>): Graph;
}

const deit = { tokens: ['cls_token', 'distillation_token'] } as const;

const bertBlocks = { blocks: bertModules, positions: 'in-order' } as const;
const robertaBlocks = { blocks: bertModules, positions: 'after-padding' } as const;
const distilbertBlocks = { blocks: distilbertModules, positions: 'in-order' } as const;

/** What can be imported. A variation of a known architecture is a new row. */
export const architectures: Readonly<Record<string, Architecture>> = {
  BertForSequenceClassification: entry('bert', 'text-classification', bert, {
    ...bertBlocks,
    prefix: 'bert.',
    head: { kind: 'first-token', dense: 'bert.pooler.dense', activation: 'tanh', classifier: 'classifier' },
  }),
  BertForMaskedLM: entry('bert', 'fill-mask', bert, {
    ...bertBlocks,
    prefix: 'bert.',
    head: {
      kind: 'masked',
      dense: 'cls.predictions.transform.dense',
      norm: 'cls.predictions.transform.LayerNorm',
      decoder: 'cls.predictions.decoder',
      biases: ['cls.predictions.bias', 'cls.predictions.decoder.bias'],
      ignored: ['cls.seq_relationship.weight', 'cls.seq_relationship.bias'],
    },
  }),
  BertModel: entry('bert', 'feature-extraction', bert, { ...bertBlocks, prefix: '' }),
  RobertaForSequenceClassification: entry('roberta', 'text-classification', roberta, {
    ...robertaBlocks,
    prefix: 'roberta.',
    head: {
      kind: 'first-token',
      dense: 'classifier.dense',
      activation: 'tanh',
      classifier: 'classifier.out_proj',
    },
  }),
  RobertaForMaskedLM: entry('roberta', 'fill-mask', roberta, {
    ...robertaBlocks,
    prefix: 'roberta.',
    head: {
      kind: 'masked',
      dense: 'lm_head.dense',
      activation: 'gelu', // whatever hidden_act is
      norm: 'lm_head.layer_norm',
      decoder: 'lm_head.decoder',
      biases: ['lm_head.bias', 'lm_head.decoder.bias'],
    },
  }),
  RobertaModel: entry('roberta', 'feature-extraction', roberta, { ...robertaBlocks, prefix: '' }),
  DistilBertForSequenceClassification: entry('distilbert', 'text-classification', distilbert, {
    ...distilbertBlocks,
    prefix: 'distilbert.',
    head: { kind: 'first-token', dense: 'pre_classifier', activation: 'relu', classifier: 'classifier' },
  }),
  DistilBertForMaskedLM: entry('distilbert', 'fill-mask', distilbert, {
    ...distilbertBlocks,
    prefix: 'distilbert.',
    head: {
      kind: 'masked',
      dense: 'vocab_transform',
      norm: 'vocab_layer_norm',
      decoder: 'vocab_projector',
      biases: ['vocab_projector.bias'],
    },
  }),
  DistilBertModel: entry('distilbert', 'feature-extraction', distilbert, { ...distilbertBlocks, prefix: '' }),
  ViTForImageClassification: entry('vit', 'image-classification', vit, {
    prefix: 'vit.',
    tokens: ['cls_token'],
    heads: ['classifier'],
  }),
  ViTModel: entry('vit', 'feature-extraction', vit, { prefix: '', tokens: ['cls_token'], heads: [] }),
  DeiTForImageClassification: entry('deit', 'image-classification', vit, {
    ...deit,
    prefix: 'deit.',
    heads: ['classifier'],
  }),
  DeiTForImageClassificationWithTeacher: entry('deit', 'image-classification', vit, {
    ...deit,
    prefix: 'deit.',
    heads: ['cls_classifier', 'distillation_classifier'],
  }),
  DeiTModel: entry('deit', 'feature-extraction', vit, { ...deit, prefix: '', heads: [] }),
  SwinForImageClassification: entry('swin', 'image-classification', swin, { prefix: 'swin.', head: 'classifier' }),
  SwinModel: entry('swin', 'feature-extraction', swin, { prefix: '' }),
  YolosForObjectDetection: entry('yolos', 'object-detection', yolos, {}),
};

function entry<Fields, Row>(modelType: string, task: Task, family: Family<Fields, Row>, row: Row): Architecture {
  return {
    modelType,
    task,
    classifies: task.endsWith('classification') || task === 'object-detection',
    unsupported: family.unsupported,
    read(json) {
      const parsed = family.fields.safeParse(json);
      if (!parsed.success) return { wrong: parsed.error.issues[0]! };
      const config = parsed.data;
      const verdict = family.check(config);
      if (verdict !== true) return { wrong: verdict };
      return { fields: config, graph: (rest) => family.graph({ config, row, ...rest }) };
    },
  };
}
