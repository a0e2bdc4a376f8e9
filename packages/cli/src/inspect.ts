import { integerOnly, type Graph, type Input } from '@cq/core';
import { sizeOfModel } from '@cq/eval';
import type { Command } from 'commander';
import type { Io } from './io.ts';
import { loadModel } from './load-model.ts';
import { modelFolder } from './model-folder.ts';
import { opCounts } from './op-counts.ts';
import { colors, count, readableBytes, printJson, printLines, significant, table } from './output.ts';
import { quantizedValues, type QuantizedValue } from './quantized-values.ts';

/** Inputs and outputs with their shapes, numbers and bytes of the weights, counts of ops, and what is quantized how. */
export interface Inspection {
  readonly task: string | null;
  /** Number of class names. */
  readonly labels: number;
  readonly inputs: readonly Input[];
  readonly outputs: readonly Input[];
  readonly parameters: number;
  /** Of all weights as stored. */
  readonly bytes: number;
  readonly ops: Readonly<Record<string, number>>;
  readonly values: readonly QuantizedValue[];
  /** Whether nothing between the input quantizers and the output dequantizers touches a float. */
  readonly integerOnly: boolean;
  readonly compression: Readonly<Record<string, unknown>> | null;
}

export function inspectCommand(program: Command, io: Io): void {
  program
    .command('inspect')
    .summary('what a model takes, gives and is made of')
    .description('Shows inputs, outputs, parameters, bytes, operations, and how each value is quantized.')
    .argument('<MODEL>', 'folder with model.json, a Hugging Face folder with config.json, or hf:owner/name')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  cq inspect models/deit-tiny-patch16-224')
    .action(async (model: string, { json = false }: { readonly json?: boolean }) => {
      const inspection = inspect(await loadModel(await modelFolder(model, io, json)));
      if (json) printJson(io, inspection);
      else printLines(io, describe(io, model, inspection));
    });
}

/** What `cq inspect` prints of a model, as a JSON value. */
export function inspect(graph: Graph): Inspection {
  return {
    task: graph.metadata.task ?? null,
    labels: graph.metadata.labels?.length ?? 0,
    inputs: graph.inputs.map(signature),
    outputs: graph.outputs.map(signature),
    ...sizeOfModel(graph),
    ops: opCounts(graph),
    values: quantizedValues(graph),
    integerOnly: integerOnly(graph) === true,
    compression: graph.metadata.compression ?? null,
  };
}

const signature = ({ name, dtype, shape }: Input): Input => ({ name, dtype, shape });

function describe(io: Io, model: string, inspection: Inspection): string[] {
  const { bold } = colors(io);
  const { task, labels, inputs, outputs, parameters, bytes, ops, values, compression } = inspection;
  const shown = (list: readonly Input[]) =>
    list.map(({ name, dtype, shape }) => `${name}  ${dtype} [${shape.join(', ')}]`);
  const facts: (readonly [string, string])[] = [
    ['task', `${task ?? 'not stated'}${labels > 0 ? `, ${count(labels)} labels` : ''}`],
    ...shown(inputs).map((text) => ['input', text] as const),
    ...shown(outputs).map((text) => ['output', text] as const),
    ['parameters', count(parameters)],
    ['bytes', `${count(bytes)} (${readableBytes(bytes)})`],
    ...(compression ? [['compressed', compressedBy(compression)] as const] : []),
  ];
  const quantizers = values.map(({ name, op, kind, bits, scale, zeroPoint }) => [
    name,
    op,
    kind,
    String(bits),
    range(scale),
    range(zeroPoint),
  ]);
  return [
    bold(model),
    ...facts.map(([title, text]) => `  ${title.padEnd(12)}${text}`),
    ...(inspection.integerOnly ? ['  integer only: yes'] : []),
    '',
    table(
      io,
      ['operation', 'count'],
      Object.entries(ops).map(([op, times]) => [op, String(times)]),
    ),
    ...(values.length > 0
      ? ['', table(io, ['value', 'operation', 'kind', 'bits', 'scale', 'zero point'], quantizers)]
      : []),
  ];
}

function compressedBy({ recipe, seed, samples }: Readonly<Record<string, unknown>>): string {
  return `with ${String(recipe)}, seed ${String(seed)}, ${String(samples)} calibration examples`;
}

/** One number, or from where to where several reach. */
function range(values: number | readonly number[] | undefined): string {
  if (values === undefined) return '';
  if (typeof values === 'number') return significant(values);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? significant(low) : `${significant(low)} to ${significant(high)} (${values.length})`;
}
