import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Benchmark } from './bench.ts';
import { reluOnnx } from './testing/onnx.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const built = existsSync(bin);
if (!built) process.stdout.write('packages/cli is not built: the tests of its processes are skipped\n');

/** The command as a user runs it. */
function cq(...argv: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

(built ? describe : describe.skip)('in processes of its own', () => {
  const folder = temporaryFolder();
  const model = tinyModel(join(folder, 'vit'));
  const images = join(folder, 'images');
  const compressed = join(folder, 'int8');
  beforeAll(() => tinyImages(images, 3));

  test('compress, then bench: the float model on stock kernels, the compressed one on ours', async () => {
    const made = await cq(
      'compress',
      model,
      '--recipe',
      'int8',
      '--calibration',
      images,
      '--out',
      compressed,
      '--json',
    );
    expect([made.code, made.stderr]).toEqual([0, '']); // No banner of TensorFlow.js either.
    const { code, stdout, stderr } = await cq('bench', model, compressed, '--rounds', '3', '--json');
    expect([code, stderr]).toEqual([0, '']);
    const { machine, rows } = JSON.parse(stdout) as Benchmark;
    expect(machine.cores).toBeGreaterThan(0);
    expect(rows.map(({ name, runtime }) => [name, runtime])).toEqual([
      [model, 'tfjs-wasm'],
      [compressed, '@cq/backend-wasm'],
    ]);
    expect(rows[0]!.ratio).toBe(1);
    for (const { milliseconds, peakBytes } of rows) {
      expect(milliseconds.min).toBeGreaterThan(0);
      expect(milliseconds.max).toBeGreaterThanOrEqual(milliseconds.median);
      expect(peakBytes).toBeGreaterThan(10e6);
    }
    expect(rows[1]!.kernels).toMatchObject({ CqLinear: 19, CqAttention: 3 });
  });

  test('an .onnx file runs on onnxruntime-web', async () => {
    const file = join(folder, 'relu.onnx');
    writeFileSync(file, reluOnnx(5));
    const { code, stdout, stderr } = await cq('bench', file, '--rounds', '2', '--json');
    expect([code, stderr]).toEqual([0, '']);
    const { rows } = JSON.parse(stdout) as Benchmark;
    expect(rows).toMatchObject([{ name: file, runtime: 'onnxruntime-web', threads: 1, ratio: 1 }]);
  });

  test('a model that bench cannot load is one line', async () => {
    const { code, stdout, stderr } = await cq('bench', join(folder, 'none'), '--json');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^[^\n]*got nothing there[^\n]*\n$/);
  });

  test('a module as a config: what it exports is an array of passes or returns one', async () => {
    const config = join(folder, 'mine.mjs');
    writeFileSync(config, "export default () => [{ name: 'nothing', options: {}, needs: [], run: (graph) => graph }];");
    const out = join(folder, 'by-module');
    const { code, stdout } = await cq('compress', model, '--config', config, '--out', out, '--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { recipe: 'mine.mjs', samples: 0, passes: [{ name: 'nothing' }] },
    ]);

    writeFileSync(config, 'export default 8;');
    const wrong = await cq('compress', model, '--config', config, '--out', join(folder, 'never'));
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      `${config}: the default export must be an array of passes, or a function that returns one, got number\n`,
    ]);
    expect(readdirSync(folder)).not.toContain('never');
  });
});
