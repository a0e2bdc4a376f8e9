import { expectClose, fixture, graphOf, renamed, run } from './testing/fixture.ts';

test('the signature is that of Hugging Face', async () => {
  const { json, tensors } = await fixture('deit-distilled');
  const { inputs, outputs } = graphOf(json, tensors);
  expect(inputs).toEqual([{ name: 'pixel_values', dtype: 'float32', shape: [-1, 3, 32, 32] }]);
  expect(outputs.map(({ name, shape }) => [name, shape])).toEqual([
    ['logits', [-1, 7]],
    ['cls_logits', [-1, 7]],
    ['distillation_logits', [-1, 7]],
  ]);
});

test('DeiTForImageClassification reads the class token only', async () => {
  const { json, tensors, expected } = await fixture('deit-distilled');
  const one = renamed(tensors, (name) =>
    name.startsWith('distillation_classifier') ? undefined : name.replace('cls_classifier', 'classifier'),
  );
  const graph = graphOf({ ...json, architectures: ['DeiTForImageClassification'] }, one);
  expect(graph.outputs.map(({ name }) => name)).toEqual(['logits']);
  expectClose(
    await run(graph, { pixel_values: expected.get('input.pixel_values')! }, 'logits'),
    expected.get('output.cls_logits')!.data,
  );
});

test.each([
  ['vit', 'ViTModel', 17, 'logits'],
  ['deit-distilled', 'DeiTModel', 18, 'cls_logits'],
])('%s as %s shows its normalized hidden state', async (name, architecture, rows, logits) => {
  const { json, tensors, expected } = await fixture(name);
  const encoder = renamed(tensors, (each) =>
    each.includes('classifier') ? undefined : each.slice(each.indexOf('.') + 1),
  );
  encoder.set('pooler.dense.weight', { shape: [32, 32], data: new Float32Array(32 * 32) });
  encoder.set('pooler.dense.bias', { shape: [32], data: new Float32Array(32) });
  const graph = graphOf({ ...json, architectures: [architecture] }, encoder);
  expect(graph.outputs).toMatchObject([{ name: 'last_hidden_state', shape: [-1, rows, 32] }]);

  const state = await run(graph, { pixel_values: expected.get('input.pixel_values')! }, 'last_hidden_state');
  const head = logits === 'logits' ? 'classifier' : 'cls_classifier';
  const weight = tensors.get(`${head}.weight`)!.data;
  const bias = tensors.get(`${head}.bias`)!.data;
  const classified = Float32Array.from({ length: 2 * 7 }, (_, i) => {
    const [image, label] = [Math.floor(i / 7), i % 7];
    let sum = bias[label]!;
    for (let k = 0; k < 32; k++) sum += state[image * rows * 32 + k]! * weight[label * 32 + k]!;
    return sum;
  });
  expectClose(classified, expected.get(`output.${logits}`)!.data);
});

test('qkv_bias: false has no such tensors, and the numbers of biases that are zero', async () => {
  const { json, tensors, expected } = await fixture('vit');
  const isBias = (name: string): boolean => /attention\.attention\.\w+\.bias$/.test(name);
  const zeroed = new Map(
    [...tensors].map(([name, tensor]) => [name, isBias(name) ? { ...tensor, data: new Float32Array(32) } : tensor]),
  );
  const dropped = renamed(tensors, (name) => (isBias(name) ? undefined : name));
  const pixels = expected.get('input.pixel_values')!;

  const without = graphOf({ ...json, qkv_bias: false }, dropped);
  expect([...without.nodes.keys()]).not.toContain('encoder/layer.0/attention/query/BiasAdd');
  expect(await run(without, { pixel_values: pixels }, 'logits')).toEqual(
    await run(graphOf(json, zeroed), { pixel_values: pixels }, 'logits'),
  );

  expect(() => graphOf(json, dropped)).toThrow(
    'm: tensor "vit.encoder.layer.0.attention.attention.query.bias" of shape [32] must be there',
  );
  expect(() => graphOf({ ...json, qkv_bias: false }, tensors)).toThrow(
    /got "vit\.encoder\.layer\.0\.attention.*\.bias" and 8 more/,
  );
});

test.each([
  ['gelu', 'Gelu', { approximate: false }],
  ['gelu_new', 'Gelu', { approximate: true }],
  ['gelu_pytorch_tanh', 'Gelu', { approximate: true }],
  ['relu', 'Relu', {}],
  ['silu', 'Sigmoid', {}],
])('hidden_act %s', async (hidden_act, op, attrs) => {
  const { json, tensors } = await fixture('vit');
  const node = graphOf({ ...json, hidden_act }, tensors).nodes.get(`encoder/layer.0/intermediate/${op}`);
  expect(node).toMatchObject({ op, attrs });
});

test('an image need not be square, nor have three channels', async () => {
  const { json, tensors } = await fixture('vit');
  const { data } = tensors.get('vit.embeddings.patch_embeddings.projection.weight')!;
  const wide = new Map(tensors);
  const kernel = Float32Array.from({ length: 32 * 64 }, (_, i) => data[Math.floor(i / 64) * 192 + (i % 64)]!); // channel 0
  wide.set('vit.embeddings.patch_embeddings.projection.weight', { shape: [32, 1, 8, 8], data: kernel });
  const graph = graphOf({ ...json, image_size: [16, 64], num_channels: 1 }, wide);
  expect(graph.inputs[0]!.shape).toEqual([-1, 1, 16, 64]);

  // The same patches in a square: the positions follow the patches, row by row, so the logits are the same.
  const patch = (index: number, i: number): number => Math.sin(index * 64 + i);
  const image = (columns: number): Float32Array =>
    Float32Array.from({ length: 1024 }, (_, at) => {
      const [y, x] = [Math.floor(at / (columns * 8)), at % (columns * 8)];
      return patch(Math.floor(y / 8) * columns + Math.floor(x / 8), (y % 8) * 8 + (x % 8));
    });
  const square = new Float32Array(3 * 1024);
  square.set(image(4)); // the other channels are zero
  expectClose(
    await run(graph, { pixel_values: { shape: [1, 1, 16, 64], data: image(8) } }, 'logits'),
    await run(graphOf(json, tensors), { pixel_values: { shape: [1, 3, 32, 32], data: square } }, 'logits'),
  );
});

test('tensors of another shape, missing or left over are named', async () => {
  const { json, tensors } = await fixture('vit');
  expect(() => graphOf({ ...json, num_hidden_layers: 2 }, tensors)).toThrow(
    /got "vit\.encoder\.layer\.2\..*" and 15 more/,
  );
  expect(() => graphOf({ ...json, num_hidden_layers: 1e9 }, tensors)).toThrow(
    '"vit.encoder.layer.3.layernorm_before.weight"',
  );
  expect(() => graphOf({ ...json, id2label: { 0: 'a' } }, tensors)).toThrow(
    'tensor "classifier.weight" must have shape [1, 32] by config.json, got [7, 32]',
  );
  expect(() => graphOf({ ...json, image_size: 64 }, tensors)).toThrow(
    'tensor "vit.embeddings.position_embeddings" must have shape [1, 65, 32] by config.json, got [1, 17, 32]',
  );
});
