import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomOf } from '@cq/core';
import { pareto } from '../examples/bengali-emotion/src/pareto.ts';
import { cellOf, preset } from '../examples/bengali-emotion/src/preset.ts';
import type { Study } from '../examples/bengali-emotion/src/study.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cq-bengali-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Texts of which some words give the class away. */
function texts(count: number): string {
  const random = randomOf(1);
  const rows = Array.from({ length: count }, (_, i) => {
    const label = i % 3;
    const words = Array.from({ length: 4 + random.integer(9) }, () =>
      random.uniform() < 0.4 ? `${['sad', 'glad', 'mad'][label]}${random.integer(4)}` : `word${random.integer(30)}`,
    );
    return `${words.join(' ')},${['sadness', 'joy', 'anger'][label]}`;
  });
  return ['text,label', ...rows].join('\n');
}

function run(...options: string[]) {
  const start = join(__dirname, '../examples/bengali-emotion/src/start.ts');
  const hooks = join(__dirname, 'typescript-hooks.mjs');
  const args = [
    '--conditions=@cq/source',
    '--import',
    hooks,
    start,
    '--quick',
    '--out',
    join(scratch, 'out'),
    ...options,
  ];
  return spawnSync(process.execPath, args, { cwd: join(__dirname, '..'), encoding: 'utf8' });
}

test('20 combinations of texts that are given, and none of their work twice', () => {
  const file = join(scratch, 'texts.csv');
  writeFileSync(file, texts(120));
  const first = run('--texts', file);
  expect(first.stderr).toBe('');
  expect(first.stdout).toContain(`Teacher: a small teacher trained on ${file} for this run alone.`);
  const { rows, seeds } = JSON.parse(readFileSync(join(scratch, 'out/study.json'), 'utf8')) as Study;
  expect(rows.map(cellOf)).toEqual(preset.map(cellOf));
  expect(new Set(preset.map(cellOf)).size).toBe(15);
  const of = (cell: string) => rows.find((row) => row.cell === cell)!;
  expect(of('teacher').accuracy).toBeGreaterThan(0.5); // of three classes
  expect(of('half-depth-D-P-Q').bytes).toBeLessThan(of('half-depth-D-Q').bytes);
  expect(of('half-depth-D-Q').parameters).toBe(of('half-depth-D').parameters);
  expect(of('half-width-D').parameters).toBeLessThan(0.6 * of('teacher').parameters);
  for (const { cell, ours, stock } of rows) {
    expect(ours.median).toBeGreaterThan(0);
    expect(stock === undefined).toBe(cell.includes('-Q'));
  }
  expect(seeds.map(({ learned }) => learned)).toEqual(['teacher', 'labels']);
  expect(readFileSync(join(scratch, 'out/pareto.svg'), 'utf8')).toContain('half-width-D-P-Q');

  const again = run('--texts', file);
  expect(again.stdout).toContain('macro-F1, mean of 1 seeds');
  expect(again.stdout).not.toMatch(/teacher-P \d/); // the cells are there
}, 180_000);

test('the plot joins the points that no other beats', () => {
  const svg = pareto(
    [
      { name: 'slow & good', x: 10, y: 60 },
      { name: 'beaten', x: 8, y: 40 },
      { name: 'fast', x: 2, y: 50 },
    ],
    { x: 'ms', y: '%' },
  );
  expect(svg).toContain('slow &amp; good');
  expect(svg.match(/fill="#c2410c"/g)).toHaveLength(2);
  expect(svg.match(/[ML]\d/g)).toHaveLength(3); // the axes, and a line of two points
});
