import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeMaterials } from './materials.ts';

const root = join(__dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'cq-examples-'));
beforeAll(() => writeMaterials(scratch));
afterAll(() => rmSync(scratch, { recursive: true }));

/** What an example prints on small models and data, line by line. */
function start(name: string, parameters: readonly string[]): string[] {
  const flags = ['--conditions=@cq/source', '--import', join(__dirname, 'typescript-hooks.mjs')];
  const script = join(root, 'examples', name, 'src/start.ts');
  const given = [...flags, script, '--out', join(scratch, name), ...parameters];
  const { status, stdout, stderr } = spawnSync(process.execPath, given, { cwd: scratch, encoding: 'utf8' });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((line) => /^(float|int8) /.test(line));
}

test('classify-images: both models name a class, and are there afterwards', () => {
  const options = ['--model', 'models/deit-tiny-patch16-224', '--calibration', 'photos'];
  const lines = start('classify-images', [...options, 'photo.jpg', 'imagenet-val/0.png']);
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    ...['float  photo.jpg', 'float  0.png', 'int8  photo.jpg', 'int8  0.png'],
  ]);
  expect(existsSync(join(scratch, 'classify-images/int8/model.json'))).toBe(true);
  expect(start('classify-images', options)).toHaveLength(6); // the last three of the calibration images
});

test('classify-text: both models name a class', () => {
  const options = ['--model', 'models/minilm-l6-sst2', '--calibration', 'sst2/train.csv'];
  const lines = start('classify-text', [...options, 'the a b']);
  expect(lines.map((line) => line.split(':')[0])).toEqual(['float  "the a b"', 'int8  "the a b"']);
});

test('from-a-layers-model: what it learned survives, in less than a third of the bytes', () => {
  const lines = start('from-a-layers-model', ['--digits', '1500', '--epochs', '1']);
  const [float, int8] = lines.map((line) => line.match(/[\d,]+/g)!.map((digits) => Number(digits.replaceAll(',', ''))));
  const [right, bytes] = [(line: number[]) => line.at(-3)!, (line: number[]) => line.at(-1)!];
  expect(right(float!)).toBeGreaterThan(700);
  expect(Math.abs(right(int8!) - right(float!))).toBeLessThan(15);
  expect(bytes(int8!) / bytes(float!)).toBeLessThan(1 / 3);
});
