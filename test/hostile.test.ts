import '@tensorflow/tfjs-backend-cpu';
import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { compress, int8, lower, pack, type Dataset } from '@cq/core';
import { toFolder } from '@cq/core/node';
import { setBackend } from '@tensorflow/tfjs-core';
import { fixture } from './fixture-data.ts';
import type { Outcome } from './hostile-child.ts';
import { mutationCount, plan, type Expected } from './mutations.ts';
import { noiseImages } from './noise-images.ts';
import { tinyViT } from './tiny-vit.ts';

/**
 * Thousands of spoiled models, seeded: each is loaded with the numbers it has, or refused in one CqError, within a second
 * and within memory that its files account for. A process apart loads them, so that one that kills it is found too.
 */
const processes = 2;
const count = mutationCount();

const LONGEST_MILLISECONDS = 1000;
const mostMemory = (size: number): number => 64 * 2 ** 20 + 8 * size;

/** A process that says nothing for so long hangs: of real time, on a machine that has other things to do. */
const SILENCE = 20_000;

let folder: string;
let outcomes: readonly Outcome[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cq-hostile-'));
  await soundModels(join(folder, '0'));
  for (let i = 1; i < processes; i++) cpSync(join(folder, '0'), join(folder, String(i)), { recursive: true });
  const border = (i: number): number => Math.round((count * i) / processes);
  const parts = Array.from({ length: processes }, (_, i) => tryAll(join(folder, String(i)), border(i), border(i + 1)));
  outcomes = (await Promise.all(parts)).flat();
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

test('there are at least 5,000', () => {
  expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, index) => index));
  expect(count).toBeGreaterThanOrEqual(5000);
});

test.each(plan())('$kind: $expected', ({ kind, count: wanted, expected }) => {
  const tried = outcomes.filter((outcome) => outcome.kind === kind);
  expect(tried.length).toBe(wanted);
  expect(tried.filter((outcome) => !isAsExpected(outcome, expected))).toEqual([]);
});

test('every refusal is one short line', () => {
  const lines = outcomes.filter(({ became }) => became === 'refused');
  expect(lines.length).toBeGreaterThan(count / 3);
  expect(lines.filter(({ error }) => !/^[^\p{Cc}\p{Zl}\p{Zp}]{10,1500}$/u.test(error!))).toEqual([]);
});

test('within a second', () => {
  expect(outcomes.filter(({ milliseconds }) => milliseconds > LONGEST_MILLISECONDS)).toEqual([]);
});

test('within 64 MB and 8 times the size of the files', () => {
  expect(outcomes.filter(({ growth, size }) => growth > mostMemory(size))).toEqual([]);
  expect(outcomes.filter(({ allocated, size }) => allocated > mostMemory(size))).toEqual([]);
});

test('no property is left on every object, and no tensor unless tf.loadGraphModel failed', () => {
  const clean = ({ traces, way, became }: Outcome): boolean =>
    traces.length === 0 ||
    (way === 'plain' && became === 'stock' && traces.every((trace) => /^\d+ tensors$/.test(trace)));
  expect(outcomes.filter((outcome) => !clean(outcome))).toEqual([]);
});

function isAsExpected({ became, way }: Outcome, expected: Expected): boolean {
  switch (became) {
    case 'same':
      return expected !== 'refused';
    case 'another':
      return expected === 'any';
    case 'refused':
      return expected !== 'same';
    case 'stock': // An error of TensorFlow.js itself, which only its own loader may show.
      return way === 'plain' && expected !== 'same';
    default:
      return false;
  }
}

/** A small ViT lowered to int8, the same annotated, the same in float; and a checkpoint of Hugging Face. */
async function soundModels(into: string): Promise<void> {
  await setBackend('cpu');
  const model = tinyViT({ blocks: 1, side: 2, patch: 4 }, 1);
  const { graph } = await compress(model, int8(), { calibration: pixels(noiseImages(4, 8)) });
  mkdirSync(into);
  toFolder(pack(lower(graph).graph), join(into, 'int8'));
  toFolder(pack(graph), join(into, 'annotated'));
  toFolder(pack(model), join(into, 'float'));
  mkdirSync(join(into, 'checkpoint'));
  for (const name of ['config.json', 'model.safetensors']) {
    copyFileSync(join(fixture('vit'), name), join(into, 'checkpoint', name));
  }
}

const pixels = (images: Dataset): Dataset => ({
  ...images,
  async *batches(...given) {
    for await (const { inputs, labels } of images.batches(...given)) {
      yield { inputs: { pixels: inputs['pixel_values']! }, labels };
    }
  },
});

/** In another process from the next mutation on whenever one died or hung. */
async function tryAll(models: string, first: number, end: number): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for (let next = first; next < end; next = first + found.length) {
    const before = found.length;
    const died = await tryInProcess(models, next, end, found);
    if (first + found.length === end) break;
    if (found.length === before && next > first) throw new Error(`no mutation from ${next} on: ${died}`);
    found.push(lost(first + found.length, died));
  }
  return found;
}

function lost(index: number, error: string): Outcome {
  const rows = plan().flatMap((row) => Array<string>(row.count).fill(row.kind));
  const nothing = { milliseconds: 0, growth: 0, allocated: 0, size: 0, traces: [] };
  return { index, kind: rows[index]!, model: 'int8', way: 'graph', became: 'died', error, ...nothing };
}

function tryInProcess(models: string, first: number, end: number, found: Outcome[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const hooks = ['--conditions=@cq/source', '--import', pathToFileURL(join(__dirname, 'typescript-hooks.mjs')).href];
    const task = [join(__dirname, 'hostile-child.ts'), models, String(first), String(end)];
    const child = spawn(process.execPath, [...hooks, ...task], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const hang = (): void => {
      said += `silent for ${SILENCE} ms `;
      child.kill('SIGKILL');
    };
    let silence = setTimeout(hang, SILENCE);
    createInterface(child.stdout).on('line', (line) => {
      clearTimeout(silence);
      silence = setTimeout(hang, SILENCE);
      if (line.endsWith('}')) found.push(JSON.parse(line) as Outcome);
    });
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', reject).on('close', (code, signal) => {
      clearTimeout(silence);
      resolve(`${said}(exit ${code ?? signal})`);
    });
  });
}
