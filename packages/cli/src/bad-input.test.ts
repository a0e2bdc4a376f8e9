import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cq, type Outcome } from './testing/cq.ts';
import { temporaryFolder, tinyImages, tinyModel } from './testing/tiny.ts';

/** The list of the issue: each is one line that names the file and the value, and writes nothing. */

const root = temporaryFolder();
let model: string;
let images: string;
let out: string;
let turn = 0;

beforeEach(async () => {
  const folder = join(root, String(turn++));
  model = tinyModel(join(folder, 'vit'));
  images = await tinyImages(join(folder, 'images'), 3);
  out = join(folder, 'out');
});

const compress = (): Promise<Outcome> =>
  cq('compress', model, '--recipe', 'int8', '--calibration', images, '--out', out);
const evaluate = (): Promise<Outcome> => cq('eval', model, '--data', images, '--allow-overlap', '--json');

/** `change` spoils a file; both commands say the same. */
async function fails(parts: readonly string[]): Promise<void> {
  for (const command of [compress, evaluate]) {
    const { code, stdout, stderr } = await command();
    expect(stderr).toMatch(/^[^\n]+\n$/);
    for (const part of parts) expect(stderr).toContain(part);
    expect([code, stdout]).toEqual([1, '']);
    expect(existsSync(out)).toBe(false);
  }
}

function changeConfig(changes: Readonly<Record<string, unknown>>): void {
  const file = join(model, 'config.json');
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...changes }));
}

test('no model there', async () => {
  rmSync(model, { recursive: true });
  await fails([model, 'got nothing there']);
});

test('an empty folder for a model', async () => {
  rmSync(model, { recursive: true });
  mkdirSync(model);
  await fails([model, 'model.json (TensorFlow.js) or config.json (Hugging Face)', 'got a folder with neither']);
});

test('a file for a model', async () => {
  model = join(model, 'config.json');
  await fails([model, 'got a file']);
});

test('no weights', async () => {
  rmSync(join(model, 'model.safetensors'));
  await fails([join(model, 'model.safetensors')]);
});

test('truncated safetensors', async () => {
  const file = join(model, 'model.safetensors');
  writeFileSync(file, readFileSync(file).subarray(0, 100_000));
  await fails([file, 'the file is truncated']);
});

test('a wrong shape', async () => {
  changeConfig({ hidden_size: 64 });
  await fails([join(model, 'model.safetensors'), '64']);
});

test('an unknown architecture', async () => {
  changeConfig({ architectures: ['GPT5ForCausalLM'] });
  await fails([join(model, 'config.json'), '"GPT5ForCausalLM"']);
});

test('preprocessing that gives another shape than the input', async () => {
  tinyModel(model, 30);
  await fails([join(model, 'preprocessor_config.json'), '[3, 32, 32]', 'got [3, 30, 30]']);
});

test('no preprocessing', async () => {
  rmSync(join(model, 'preprocessor_config.json'));
  await fails([model, 'add preprocessor_config.json']);
});

test('no data there', async () => {
  rmSync(images, { recursive: true });
  await fails([images, 'got nothing there']);
});

test('an empty folder for data', async () => {
  rmSync(images, { recursive: true });
  mkdirSync(images);
  await fails([images, 'got an empty folder']);
});

test('an image that does not decode', async () => {
  writeFileSync(join(images, '1.png'), 'this is no image');
  await fails([join(images, '1.png')]);
});

test('a listed image that does not exist', async () => {
  rmSync(join(images, '2.png'));
  await fails([join(images, 'labels.csv'), 'line 4', '"2.png"']);
});

test('a label that is not in the model', async () => {
  writeFileSync(join(images, 'labels.csv'), 'file,label\n0.png,7\n');
  await fails([join(images, 'labels.csv'), 'from 0 to 6', 'got 7']);
  writeFileSync(join(images, 'labels.csv'), 'file,label\n0.png,zebra\n');
  await fails([join(images, 'labels.csv'), 'got "zebra"']);
});

test('a task without a metric', async () => {
  changeConfig({ architectures: ['ViTModel'] });
  const { code, stderr } = await evaluate();
  expect(code).toBe(1);
  expect(stderr).toMatch(/^[^\n]+\n$/);
});

test('no labels: enough to calibrate, not to evaluate', async () => {
  rmSync(join(images, 'labels.csv'));
  expect(await evaluate()).toMatchObject({
    code: 1,
    stderr: `${images}: every example needs a label to evaluate, got none; add labels.csv (file,label) or one sub-folder per class\n`,
  });
  expect((await compress()).code).toBe(0);
});

describe('a compressed model', () => {
  beforeEach(async () => {
    expect((await compress()).code).toBe(0);
    model = out;
    out = `${model}-again`;
  });

  test('with a truncated shard', async () => {
    const file = join(model, 'group1-shard1of1.bin');
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, 1000));
    await fails([file, `${bytes.length.toLocaleString('en-US')} bytes expected`, '1,000 found', 'truncated']);
  });

  test('without a shard', async () => {
    rmSync(join(model, 'group1-shard1of1.bin'));
    await fails([join(model, 'group1-shard1of1.bin'), 'does not exist']);
  });

  test('of a newer format', async () => {
    const file = join(model, 'model.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"formatVersion":1', '"formatVersion":99'));
    await fails([file, 'got 99']);
  });

  test('with an attribute that is none', async () => {
    const file = join(model, 'model.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"weightBits":{"i":8}', '"weightBits":{"i":7}'));
    const { code, stderr } = await evaluate();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*weightBits must be 1 to 4, or 8, got 7[^\n]*\n$/);
  });
});
