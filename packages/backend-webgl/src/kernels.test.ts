import '@tensorflow/tfjs-backend-cpu';
import { concat, pad, reshape, setBackend, slice, tensor4d, transpose } from '@tensorflow/tfjs-core';
import type { Operand } from '@cq/core/runtime';
import { sizeOf } from '@cq/core/runtime';
import * as cases from './testing/cases.ts';
import { chromiumPath, openPage, type Browser } from './testing/page.ts';
import type { PageFunctions, Sent, SentCase } from './testing/page-script.ts';

declare const cq: PageFunctions;

const chromium = chromiumPath();
if (!chromium) console.log('backend-webgl: no Chromium on the search path; set CHROMIUM. Its kernels are not tested.');
const inChromium = chromium ? test : test.skip;

let browser: Browser;
beforeAll(async () => {
  if (chromium) browser = await openPage(chromium);
});
afterAll(() => browser?.close());

const base64 = (data: Operand['data']): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');

const send = ({ dtype, shape, data }: Operand): Sent => ({ dtype, shape, bytes: base64(data) });

function expected({ op, operands, attrs }: cases.Case): Sent {
  op.check(operands, attrs);
  const { dtype, shape } = op.output(operands, attrs);
  const size = sizeOf(shape);
  const data =
    dtype === 'float32' ? new Float32Array(size) : dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
  op.reference(operands, attrs, data);
  return send({ dtype, shape, data });
}

const numbers = ({ dtype, bytes }: Sent): number[] => {
  const raw = new Uint8Array(Buffer.from(bytes, 'base64')).buffer;
  return Array.from(
    dtype === 'float32' ? new Float32Array(raw) : dtype === 'int32' ? new Int32Array(raw) : new Int8Array(raw),
  );
};

const sendCase = ({ op, operands, attrs }: cases.Case): SentCase => ({
  op: op.name,
  operands: Object.fromEntries(Object.entries(operands).map(([name, operand]) => [name, send(operand)])),
  attrs,
});

async function expectDefinition(all: readonly cases.Case[]): Promise<void> {
  const given = await browser.page.evaluate((cases) => cq.run(cases), all.map(sendCase));
  all.forEach((one, i) => {
    const wanted = expected(one);
    if (JSON.stringify(given[i]) === JSON.stringify(wanted)) return;
    expect({ name: one.name, ...given[i], bytes: numbers(given[i]!) }).toEqual({
      name: one.name,
      ...wanted,
      bytes: numbers(wanted),
    });
  });
}

inChromium('CqQuantize equals its definition', () => expectDefinition(cases.quantizeCases()));
inChromium('CqDequantize equals its definition', () => expectDefinition(cases.dequantizeCases()));
inChromium('CqLinear equals its definition', () => expectDefinition(cases.linearCases()));
inChromium('CqLayerNorm equals its definition', () => expectDefinition(cases.layerNormCases()));
inChromium('CqAttention equals its definition', () => expectDefinition(cases.attentionCases()));
inChromium('CqPatchEmbed equals its definition', () => expectDefinition(cases.patchEmbedCases()));
inChromium('CqEmbedding equals its definition', () => expectDefinition(cases.embeddingCases()));
inChromium('CqAdd equals its definition', () => expectDefinition(cases.addCases()));
inChromium('CqWeight equals its definition', () => expectDefinition(cases.weightCases()));
inChromium('CqDynamicLinear equals its definition', () => expectDefinition(cases.dynamicLinearCases()));
inChromium('CqShiftLinear equals its definition', () => expectDefinition(cases.shiftLinearCases()));
inChromium('CqShiftPatchEmbed equals its definition', () => expectDefinition(cases.shiftPatchEmbedCases()));
inChromium('CqShiftLayerNorm equals its definition', () => expectDefinition(cases.shiftLayerNormCases()));
inChromium('CqShiftAttention equals its definition', () => expectDefinition(cases.shiftAttentionCases()));

inChromium('movements of codes are those of floats, and read nothing back', async () => {
  const shape = [2, 3, 4, 5];
  const x: Operand = {
    dtype: 'float32',
    shape,
    data: Float32Array.from({ length: 120 }, (_, i) => ((i * 37) % 255) - 127),
  };
  const { moved, readBacks } = await browser.page.evaluate((x) => cq.move(x), send(x));
  expect(readBacks).toBe(0);
  await setBackend('cpu');
  const from = tensor4d(x.data as Float32Array, shape as [number, number, number, number]);
  const wanted = [
    transpose(from, [0, 2, 1, 3]),
    slice(from, [0, 1, 0, 2], [2, 2, 4, 2]),
    pad(from, [[0, 0], [1, 2], [0, 1], [0, 0]]), // prettier-ignore
    concat(Array.from({ length: 9 }, () => from), 2), // prettier-ignore
    transpose(reshape(from, [6, 20])),
  ];
  const values = wanted.map((tensor) => ({ shape: tensor.shape, data: [...tensor.dataSync()] }));
  const given = moved.map((one) => ({ shape: one.shape, data: numbers(one) }));
  expect(given).toEqual([...values, ...values]);
});

inChromium('CqFloatLinear is close to its definition: its floats are those of the graphics card', async () => {
  const all = cases.floatLinearCases();
  const given = await browser.page.evaluate((cases) => cq.run(cases), all.map(sendCase));
  given.forEach((one, i) => {
    const wanted = numbers(expected(all[i]!));
    numbers(one).forEach((value, j) => expect(value).toBeCloseTo(wanted[j]!, 5));
  });
});
