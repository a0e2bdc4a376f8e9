import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { examine, node, type Check } from './doctor.ts';
import { cq } from './testing/cq.ts';
import { temporaryFolder } from './testing/tiny.ts';

const folder = temporaryFolder();

test('this machine and repository are in order', async () => {
  const { code, stdout, stderr } = await cq('doctor', '--json');
  expect([code, stderr]).toEqual([0, '']);
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  expect(checks.map(({ what }) => what)).toEqual(
    expect.arrayContaining(['Node', 'WebAssembly', 'threads', 'TensorFlow.js', 'onnxruntime-web', 'bullmq']),
  );
  expect((await cq('doctor')).stdout).toContain('TensorFlow.js');
});

test('a project with another TensorFlow.js is told so', () => {
  const other = join(folder, 'node_modules/@tensorflow/tfjs-core');
  mkdirSync(other, { recursive: true });
  writeFileSync(join(other, 'package.json'), JSON.stringify({ version: '3.9.0' }));
  const check = examine(folder).find(({ what }) => what === 'TensorFlow.js')!;
  expect(check.verdict).toBe('bad');
  expect(check.found).toContain('3.9.0 of tfjs-core');
});

test.each([
  ['20.18.9', 'bad'],
  ['20.19.0', 'good'],
  ['24.0.0', 'good'],
  ['18.20.0', 'bad'],
])('Node %s is %s', (version, verdict) => expect(node(version).verdict).toBe(verdict));
