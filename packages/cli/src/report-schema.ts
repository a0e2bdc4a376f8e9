import { z } from 'zod';
import type { CompressionReport } from './compression-report.ts';

const text = z.string();
const number = z.number();
const count = z.int().min(0);
const share = number.min(0).max(1);
const list = <Item extends z.ZodType>(item: Item) => z.array(item);

const beforeAfter = (what: z.ZodType<number>) => z.strictObject({ before: what, after: what });
const answer = z.strictObject({ name: text, probability: share });
const spread = z.object({ min: number, median: number, max: number });

/** What report.json holds. `report.schema.json` is this as a JSON schema. */
export const reportSchema: z.ZodType<CompressionReport> = z.strictObject({
  model: text.describe('The model as it was named on the command line'),
  recipe: text.describe('The recipe, or the config file'),
  command: text.describe('What reproduces the model').optional(),
  seed: count,
  samples: count.describe('Calibration examples used'),
  examples: z
    .partialRecord(z.enum(['calibration', 'training', 'evaluation']), text)
    .describe('Which examples were used: 8 bytes of each digest, sorted, as base64')
    .optional(),
  version: text.describe('Of @cq'),
  passes: list(
    z.strictObject({
      name: text,
      options: z.record(text, z.unknown()),
      changed: list(z.looseObject({ value: text })),
      skipped: list(z.strictObject({ value: text, reason: text })),
      milliseconds: number,
    }),
  ),
  bytes: z.strictObject({ before: count, after: count, ratio: number }).describe('Of all weights'),
  left: list(z.strictObject({ value: text, reason: text })).describe('What no integer node computes, and why'),
  search: z
    .strictObject({
      ...{ maxDrop: number, target: z.enum(['bytes', 'latency']), heldBack: count },
      candidates: list(
        z.strictObject({
          ...{ kind: z.enum(['uniform', 'mixed']), weights: z.record(text, count), bytes: count },
          ...{ milliseconds: number.optional(), kl: number, agreement: share, drop: number, within: z.boolean() },
        }),
      ),
      chosen: count,
    })
    .describe('How the recipe was found')
    .optional(),
  inside: z
    .strictObject({
      examples: count.describe('That ran through both models'),
      values: list(
        z.strictObject({
          value: text,
          role: text,
          kind: text.describe('Of the quantizer'),
          bits: count,
          sqnr: number.describe('Of the value itself, in dB; absent where nothing is lost').optional(),
          bytes: count.describe('Of the codes and scales of a weight').optional(),
          computed: z.enum(['integer', 'float']),
          reason: text.optional(),
        }),
      ),
      depth: list(z.strictObject({ value: text, sqnr: number.optional() })).describe(
        'SQNR of each block’s output against the model as it came, in dB',
      ),
      channels: list(z.strictObject({ value: text, before: list(number), after: list(number) })).describe(
        'Largest magnitudes of the channels that are the most uneven',
      ),
      weights: list(
        z.strictObject({
          ...{ value: text, bits: count, from: number, width: number, counts: list(count), levels: list(number) },
        }),
      ).describe('Histograms of the weights with the least SQNR, in units of their scales'),
      probabilities: list(z.strictObject({ value: text, kind: text, bits: count, counts: list(count) })).describe(
        'How often attention used each code',
      ),
    })
    .optional(),
  worth: z
    .strictObject({
      on: z.enum(['evaluation', 'calibration']),
      examples: count,
      agreement: share,
      kl: number.describe('Mean KL(before ‖ after) in nats'),
      accuracy: beforeAfter(share).optional(),
      confusion: z
        .strictObject({ classes: list(text), counts: list(list(count)) })
        .describe('By label, then by answer of the compressed model')
        .optional(),
      worst: list(
        z.strictObject({
          ...{ place: text.optional(), text: text.optional(), picture: text.optional(), label: text },
          ...{ before: answer.optional(), after: answer, kl: number },
        }),
      ).optional(),
    })
    .optional(),
  latency: z
    .strictObject({ before: spread, after: spread })
    .describe('Milliseconds of one example, in turns')
    .optional(),
  milliseconds: number.describe('Loading and writing included'),
  date: text.describe('ISO 8601'),
  machine: z.strictObject({ node: text, cpu: text, cores: count }),
});

/** The published form. */
export const reportJsonSchema = (): unknown => ({
  title: 'Report of cq compress',
  ...z.toJSONSchema(reportSchema),
});
