import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import '@cq/backend-wasm';
import { CqError, compress, executor, int8, int8Dynamic, lower, pack } from '@cq/core';
import { toFolder } from '@cq/core/node';
import { decodeImage, parsePreprocessing, preprocessImage } from '@cq/data';
import { importHuggingFace } from '@cq/import-hf';
import { imageClassifier, textClassifier } from '@cq/tasks';
import { memory, setBackend } from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { fixture } from './fixture-data.ts';
import { noiseImages } from './noise-images.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cq-tasks-'));
const images = join(scratch, 'images');
const texts = join(scratch, 'texts');
const photo = join(scratch, 'photo.png');
const preprocessing = {
  size: { height: 32, width: 32 },
  resample: 3,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};
let server: Server;
let site: string;

beforeAll(async () => {
  await setBackend('wasm');
  const vit = await importHuggingFace(fixture('vit'));
  const { graph } = await compress(vit, int8(), { calibration: noiseImages(8, 32) });
  toFolder(pack(lower(graph).graph, { ...vit.metadata, preprocessing }), images);
  const bert = await compress(await importHuggingFace(fixture('bert')), int8Dynamic(), {});
  toFolder(pack(lower(bert.graph).graph), texts);
  writeTokenizer(texts);
  await sharp({ create: { width: 40, height: 50, channels: 3, background: '#7799aa' } })
    .png()
    .toFile(photo);
  server = createServer((request, response) => {
    try {
      response.end(readFileSync(join(scratch, request.url!)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((done) => server.close(done));
  rmSync(scratch, { recursive: true });
});

/** The tokenizer of the goldens, with the words that the fixture's vocabulary has room for. */
function writeTokenizer(folder: string): void {
  const source = join(__dirname, '../packages/data/test/golden/tokenizers/wordpiece');
  const tokenizer = JSON.parse(readFileSync(join(source, 'tokenizer.json'), 'utf8')) as {
    model: { vocab: Record<string, number> };
  };
  const vocab = Object.fromEntries(Object.entries(tokenizer.model.vocab).filter(([, id]) => id < 60));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...tokenizer, model: { ...tokenizer.model, vocab } }));
  copyFileSync(join(source, 'tokenizer_config.json'), join(folder, 'tokenizer_config.json'));
}

test('an image classifier answers what the graph says, the likeliest first', async () => {
  const classify = await imageClassifier(images, { top: 2 });
  const pixels = preprocessImage(await decodeImage(photo), parsePreprocessing(preprocessing, 'f'));
  const vit = await importHuggingFace(fixture('vit'));
  const float = executor(vit);
  const [logits] = float.run({ [vit.inputs[0]!.name]: { dtype: 'float32', shape: [1, 3, 32, 32], data: pixels } });
  const weights = [...logits!.dataSync()].map(Math.exp);
  logits!.dispose();
  float.dispose();
  const shares = weights.map((weight) => weight / weights.reduce((a, b) => a + b));
  const answer = await classify(photo);
  expect(answer).toHaveLength(2);
  expect(answer[0]!.score).toBeGreaterThanOrEqual(answer[1]!.score);
  for (const { label, score } of answer) expect(score).toBeCloseTo(shares[classify.labels.indexOf(label)]!, 1);
  classify.dispose();
});

test('a path, a file URL, bytes, a Blob, a fetched image and pixels are one image', async () => {
  const progress: number[] = [];
  const classify = await imageClassifier(`${site}/images`, { onProgress: (fraction) => progress.push(fraction) });
  expect(progress.at(-1)).toBe(1);
  const bytes = readFileSync(photo);
  const { width, height, data } = await decodeImage(photo);
  const rgba = new Uint8ClampedArray(width * height * 4).map((_, i) =>
    i % 4 === 3 ? 255 : data[(i >> 2) * 3 + (i % 4)]!,
  );
  const before = memory().numTensors;
  const answers = [];
  for (const image of [photo, pathToFileURL(photo), bytes, new Blob([bytes]), `${site}/photo.png`]) {
    answers.push(await classify(image));
  }
  answers.push(await classify({ width, height, data: rgba }));
  expect(memory().numTensors).toBe(before);
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  classify.dispose();
});

test('a text classifier answers from a folder and from a server, long texts cut', async () => {
  const [near, far] = [
    await textClassifier(texts, { top: 9 }),
    await textClassifier(`${site}/texts/model.json`, { top: 9 }),
  ];
  for (const text of ['the same', '', 'a '.repeat(500)]) {
    const answer = await near(text);
    expect(answer.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
    expect(await far(text)).toEqual(answer);
  }
  expect(await near('a b')).not.toEqual(await near('c d e'));
  near.dispose();
  far.dispose();
});

describe('bad input is one error that says what to do', () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'an unknown option',
      () => imageClassifier(images, { topp: 1 } as never),
      /unknown option "topp"; did you mean "top"/,
    ],
    ['a top of 0', () => imageClassifier(images, { top: 0 }), /"top" must be a whole number from 1, got 0/],
    ['no preprocessing', () => imageClassifier(texts), /texts: how images become its input is not in its model\.json/],
    ['no tokenizer', () => textClassifier(images), /tokenizer.*\.json: is needed to read text/],
    ['no model', () => imageClassifier(join(scratch, 'none')), /none.*model\.json: does not exist/],
    ['no server file', () => textClassifier(`${site}/images`), /images\/tokenizer.*json: cannot be fetched, got 404/],
  ])('%s', async (_, load, message) => {
    const before = memory().numTensors;
    await expect(load()).rejects.toThrow(message);
    await expect(load()).rejects.toThrow(CqError);
    expect(memory().numTensors).toBe(before);
  });

  test('an image that cannot be read', async () => {
    const classify = await imageClassifier(images);
    await expect(classify(join(scratch, 'none.png'))).rejects.toThrow(/none\.png: .*ENOENT/);
    await expect(classify(Uint8Array.of(1, 2))).rejects.toThrow(/the image: an image that can be decoded is expected/);
    await expect(classify(`${site}/none.png`)).rejects.toThrow(/none\.png: cannot be fetched, got 404/);
    classify.dispose();
  });
});
