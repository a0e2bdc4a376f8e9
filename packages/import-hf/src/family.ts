import type { Graph, Metadata } from '@cq/core';
import type { z } from 'zod';
import type { Checkpoint } from './checkpoint.ts';

/** Architectures that one builder writes: `Fields` is what their config.json says, `Row` how they differ besides. */
export interface Family<Fields, Row> {
  /** The fields that the numbers depend on, with the defaults of Hugging Face: older files leave some out. */
  readonly fields: z.ZodType<Fields>;
  /** Fields that no graph here reproduces, and the value with which they change nothing. */
  readonly unsupported: Readonly<Record<string, unknown>>;
  /** Rules between fields: the one broken, with what it got. */
  check(config: Fields): true | string;
  graph(model: Model<Fields, Row>): Graph;
}

export interface Model<Fields, Row> {
  readonly config: Fields;
  readonly row: Row;
  /** Class names by index; empty where nothing is classified. */
  readonly labels: readonly string[];
  readonly checkpoint: Checkpoint;
  readonly metadata: Metadata;
}
