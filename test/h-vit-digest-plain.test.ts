import { kernelVariant } from '@cq/backend-wasm';
import { setBackend } from '@tensorflow/tfjs-core';
import { committedDigest, logitsDigest, recipes } from './h-vit-digest.ts';

/** An engine without relaxed SIMD: no module with i16x8.relaxed_dot_i8x16_i7x16_s (0xfd, 0x112) is valid. */
const relaxed = Buffer.of(0xfd, 0x92, 0x02);
const { validate } = WebAssembly;
const bytesOf = (source: BufferSource): Buffer =>
  ArrayBuffer.isView(source) ? Buffer.from(source.buffer, source.byteOffset, source.byteLength) : Buffer.from(source);

beforeAll(async () => {
  jest
    .spyOn(WebAssembly, 'validate')
    .mockImplementation((source) => !bytesOf(source).includes(relaxed) && validate(source));
  await setBackend('wasm');
});

test.each(recipes)('the logits of %s have the committed digest on wasm without relaxed SIMD', async (recipe) => {
  expect(kernelVariant()).toBe('simd');
  expect(await logitsDigest(recipe)).toBe(committedDigest(recipe));
});
