import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lower, pack, subset, type Dataset, type Graph } from '@cq/core';
import { folderStore, toFolder } from '@cq/core/node';
import { distill, withAnswers } from '@cq/distill';
import { beginner } from './beginner.ts';
import { countWeights, type WeightCount } from './count-weights.ts';
import type { Effort } from './effort.ts';
import type { Materials } from './materials.ts';
import { cellOf, modelOf, preset, type Combination } from './preset.ts';
import { race, type Lap } from './race.ts';
import { scoresOf, type Scores } from './scores.ts';
import { firstLearning, passesOf, studentOf, taken, type Workshop } from './steps.ts';

/** What is known of a cell before it is timed. */
export interface Cell extends Scores, WeightCount {
  readonly cell: string;
  readonly bytes: number;
}

export interface Row extends Combination, Cell {
  readonly ours: Lap;
  /** Of TensorFlow.js's own kernels, which run no integers. */
  readonly stock?: Lap;
}

/** The half-depth student that began with none of the teacher's weights, after equal steps, by what it learned from. */
export interface SeedRow {
  readonly seed: number;
  readonly learned: 'teacher' | 'labels';
  readonly scores: Scores;
}

export interface Study {
  readonly origin: string;
  readonly rows: readonly Row[];
  readonly seeds: readonly SeedRow[];
}

/** Runs all combinations, or what of them is not in the folder yet: finished steps and cells are not repeated. */
export async function study(
  { teacher, language, training, evaluation, origin }: Materials,
  effort: Effort,
  folder: string,
  seed: number,
  say: (line: string) => void,
): Promise<Study> {
  const answered = await withAnswers(first(training, effort.training), teacher, {
    store: folderStore(join(folder, 'steps/answers')),
  });
  const workshop: Workshop = { teacher, ...(language && { language }), training: answered, effort, seed, folder, say };
  const judged = first(evaluation, effort.evaluation);
  const cells = new Map<string, Cell>();
  for (const combination of preset) {
    const cell = cellOf(combination);
    if (cells.has(cell)) continue;
    cells.set(cell, await measured(combination, workshop, judged));
  }
  const seeds = await seedRows(workshop, judged);
  const names = [...cells.keys()];
  const float = names.filter((name) => !name.includes('-Q'));
  say(`Timing ${names.length} models, and ${float.length} of them on TensorFlow.js's own kernels`);
  const laps = await race(
    [
      ...names.map((name) => ({ folder: join(folder, 'models', name), kernels: 'ours' as const })),
      ...float.map((name) => ({ folder: join(folder, 'models', name), kernels: 'stock' as const })),
    ],
    judged,
    effort.rounds,
  );
  const rows = preset.map((combination): Row => {
    const name = cellOf(combination);
    const stock = laps[names.length + float.indexOf(name)];
    return {
      ...combination,
      ...cells.get(name)!,
      ours: laps[names.indexOf(name)]!,
      ...(float.includes(name) && stock && { stock }),
    };
  });
  return { origin, rows, seeds };
}

/** What a combination comes to, from the folder if it was measured before; its model goes there. */
export function measured(combination: Combination, workshop: Workshop, judged: Dataset): Promise<Cell> {
  const cell = cellOf(combination);
  const { folder, say } = workshop;
  return once(join(folder, 'cells', `${cell}.json`), async () => {
    const graph = await modelFor(combination, workshop);
    const lowered = lower(graph).graph;
    const model = join(folder, 'models', cell);
    toFolder(pack(lowered), model);
    const found: Cell = { cell, ...countWeights(graph), bytes: bytesIn(model), ...(await scoresOf(lowered, judged)) };
    say(`${cell}: ${found.correct} of ${found.count}, ${(found.bytes / 1e6).toFixed(2)} MB`);
    return found;
  });
}

/** The model of a combination, one step after the other. */
async function modelFor(combination: Combination, workshop: Workshop): Promise<Graph> {
  const model = modelOf(combination);
  let graph = model === 'teacher' ? workshop.teacher : studentOf(workshop.teacher, model);
  let name = model.replace(' ', '-');
  for (const step of combination.pipeline) {
    name = `${name}-${step}`;
    graph = await taken(graph, name, passesOf(step, combination.pipeline.includes('D'), workshop), workshop);
  }
  return graph;
}

/** A beginner by teacher and by labels, with as many steps, for every seed. */
export async function seedRows(workshop: Workshop, judged: Dataset): Promise<readonly SeedRow[]> {
  const { teacher, language, effort, folder } = workshop;
  const rows: SeedRow[] = [];
  for (let seed = workshop.seed; seed < workshop.seed + effort.seeds; seed++) {
    for (const learned of ['teacher', 'labels'] as const) {
      const name = `beginner-${learned}-${seed}`;
      const passes = [
        distill({
          ...firstLearning,
          losses: [learned === 'teacher' ? 'soft' : 'labels'],
          steps: effort.beginner,
          batchSize: effort.batchSize,
        }),
      ];
      const scores = await once(join(folder, 'seeds', `${name}.json`), async () => {
        const graph = await taken(beginner(teacher, language, seed), name, passes, { ...workshop, seed });
        return scoresOf(graph, judged);
      });
      rows.push({ seed, learned, scores });
    }
  }
  return rows;
}

/** The first so many examples, or all. */
const first = (data: Dataset, count = data.size): Dataset =>
  count >= data.size
    ? data
    : subset(
        data,
        Array.from({ length: count }, (_, place) => place),
      );

/** What the file holds, or else what is computed and written there. */
async function once<Value>(file: string, compute: () => Promise<Value>): Promise<Value> {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Value;
  const value = await compute();
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, JSON.stringify(value));
  return value;
}

const bytesIn = (folder: string): number =>
  readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
