import { z } from 'zod';
import { activations } from './draft.ts';

/** What the fields of a config.json may hold; the message is the rule, in words that follow the field's name. */
const integer = (rule: string) => z.int(rule).positive(rule);
export const positive = integer('must be a positive integer');
export const natural = z.int('must be a non-negative integer').nonnegative('must be a non-negative integer');
export const epsilon = z.number('must be a positive number').positive('must be a positive number');
export const flag = z.boolean('must be true or false');
export const activationName = z.enum(
  activations,
  `must be ${activations.slice(0, -1).join(', ')} or ${activations.at(-1)}`,
);

const imageRule = 'must be a positive integer or [height, width]';
const patchRule = 'must be a positive integer, since patches are square';

/** [height, width] */
export const imageSize = z.union(
  [
    integer(imageRule).transform((side): [number, number] => [side, side]),
    z.tuple([integer(imageRule), integer(imageRule)], imageRule),
  ],
  imageRule,
);

export const patchSize = z.union(
  [
    integer(patchRule),
    z
      .tuple([integer(patchRule), integer(patchRule)], patchRule)
      .refine(([height, width]) => height === width, patchRule)
      .transform(([side]) => side),
  ],
  patchRule,
);

/** Those that count classes. */
export const classFields = z.object({
  id2label: z.record(z.string(), z.string('must be a class name'), 'must map "0", "1", … to class names').optional(),
  num_labels: positive.optional(),
});

/** Encoders of one width: hidden_size, split into heads. */
export function headsDivide(config: {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
}): true | string {
  const { hidden_size: hidden, num_attention_heads: heads } = config;
  return hidden % heads === 0 || `hidden_size must be a multiple of num_attention_heads, got ${hidden} and ${heads}`;
}
