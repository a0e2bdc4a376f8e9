import { expectClose, fixture, graphOf, noise, renamed, run, type Json } from './testing/fixture.ts';

test('the signature: one row per detection token, one class for no object', async () => {
  const { json, tensors } = await fixture('yolos');
  const { inputs, outputs } = graphOf(json, tensors);
  expect(inputs).toEqual([{ name: 'pixel_values', dtype: 'float32', shape: [-1, 3, 32, 48] }]);
  expect(outputs.map(({ name, shape }) => [name, shape])).toEqual([
    ['logits', [-1, 5, 8]],
    ['pred_boxes', [-1, 5, 4]],
  ]);
});

test('positions in the middle are there if the config says so', async () => {
  const { json, tensors, expected } = await fixture('yolos');
  const inputs = { pixel_values: expected.get('input.pixel_values')! };
  const name = 'vit.encoder.mid_position_embeddings';
  const zeroed = new Map(tensors).set(name, { shape: [2, 1, 30, 32], data: new Float32Array(2 * 30 * 32) });
  const dropped = renamed(tensors, (each) => (each === name ? undefined : each));
  const without = { ...json, use_mid_position_embeddings: false };
  const [zero, none] = [graphOf(json, zeroed), graphOf(without, dropped)];
  expectClose(await run(none, inputs, 'pred_boxes'), await run(zero, inputs, 'pred_boxes'), 6);
  expect(() => graphOf(json, dropped)).toThrow(`m: tensor "${name}" of shape [2, 1, 30, 32] must be there`);
  expect(() => graphOf(without, tensors)).toThrow(`got "${name}"`);
});

test('what the last whole patch does not reach is left out', async () => {
  const { json, tensors, expected } = await fixture('yolos');
  const { data } = expected.get('input.pixel_values')!;
  const [height, width] = [35, 55];
  const larger = noise([2, 3, height, width], 1);
  for (let plane = 0; plane < 6; plane++) {
    for (let y = 0; y < 32; y++) {
      for (let x = 0; x < 48; x++) larger.data[(plane * height + y) * width + x] = data[(plane * 32 + y) * 48 + x]!;
    }
  }
  const graph = graphOf({ ...json, image_size: [height, width] }, tensors);
  expectClose(await run(graph, { pixel_values: larger }, 'pred_boxes'), expected.get('output.pred_boxes')!.data);
});

test.each<[Json, string]>([
  [{ image_size: [4, 48] }, 'config.json: image_size must be at least patch_size, got 4 × 48 and 8'],
  [{ num_attention_heads: 5 }, 'config.json: hidden_size must be a multiple of num_attention_heads, got 32 and 5'],
  [{ num_detection_tokens: 0 }, 'config.json: num_detection_tokens must be a positive integer, got 0'],
  [{ num_detection_tokens: 6 }, 'must have shape [1, 31, 32] by config.json, got [1, 30, 32]'],
  [{ id2label: { 0: 'a' } }, 'tensor "class_labels_classifier.layers.2.weight" must have shape [2, 32]'],
])('%j is refused', async (change, message) => {
  const { json, tensors } = await fixture('yolos');
  expect(() => graphOf({ ...json, ...change }, tensors)).toThrow(message);
});
