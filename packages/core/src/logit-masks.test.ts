import { build, maskedLogits, type Builder } from './index.ts';

/** What a softmax reads: logits [-1, 2, 3, 3] and what is written on them. */
function read(write: (b: Builder, logits: string) => string) {
  const b = build();
  const logits = b.input('logits', 'float32', [-1, 2, 3, 3]);
  b.output('y', b.node('softmax', 'Softmax', [write(b, logits)]), [-1, 2, 3, 3]);
  const graph = b.graph();
  return maskedLogits(graph, graph.nodes.get('softmax')!);
}

const triangle = Float32Array.of(0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0);
const list = (b: Builder, name: string, ...values: number[]): string =>
  b.weight(name, [values.length], Int32Array.from(values));

test.each([
  [[3, 3], triangle],
  [[1, 1, 3, 3], triangle],
  [[1, 1, 3, 3], triangle.map((value) => (value === 0 ? 0 : -Infinity))],
])('a constant %j of zeros and very negative numbers is one mask for all', (shape, data) => {
  const found = read((b, logits) => b.node('sum', 'AddV2', [logits, b.weight('mask', shape, data)]));
  expect(found).toMatchObject({ logits: 'logits', nodes: ['sum'], windows: { count: 1, tokens: 3 } });
  expect([...found.windows!.visible]).toEqual([1, 0, 0, 1, 1, 0, 1, 1, 1]);
});

test.each([
  ['no mask at all', [3, 3], new Float32Array(9)],
  ['a bias', [3, 3], triangle.map((value, i) => value + i)],
  ['too little', [3, 3], triangle.map((value) => value / 2e7)],
  ['a mask for each head', [2, 3, 3], Float32Array.of(...triangle, ...triangle)],
  ['a mask for each item', [2, 1, 3, 3], Float32Array.of(...triangle, ...triangle)],
])('%s is part of the logits', (_, shape, data) => {
  const found = read((b, logits) => b.node('sum', 'AddV2', [logits, b.weight('constant', shape, data)]));
  expect(found).toEqual({ logits: 'sum', nodes: [] });
});

/** The masks of windows, as Swin adds them. */
function windows(b: Builder, logits: string, split: readonly number[], join: readonly number[]): string {
  const apart = b.node('apart', 'Reshape', [logits, list(b, 'split', ...split)]);
  const mask = b.weight('mask', [2, 1, 3, 3], Float32Array.of(...triangle, ...new Float32Array(9)));
  return b.node('joined', 'Reshape', [b.node('sum', 'AddV2', [apart, mask]), list(b, 'join', ...join)]);
}

test('windows have a mask each', () => {
  const found = read((b, logits) => windows(b, logits, [-1, 2, 2, 3, 3], [-1, 2, 3, 3]));
  expect(found).toMatchObject({
    logits: 'logits',
    nodes: ['joined', 'sum', 'apart'],
    windows: { count: 2, least: 1e9 },
  });
  expect([...found.windows!.visible]).toEqual([1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
});

test.each([
  ['not along the batch', [-1, 4, 1, 3, 3], [-1, 2, 3, 3]],
  ['not joined as they were split', [-1, 2, 2, 3, 3], [-1, 4, 3, 3]],
])('a mask that is %s is part of the logits', (_, split, join) => {
  expect(read((b, logits) => windows(b, logits, split, join))).toEqual({ logits: 'joined', nodes: [] });
});

test('a padding mask and one for windows, either first', () => {
  const padding = (b: Builder, logits: string): string => {
    const float = { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' } };
    const cast = b.node('cast', 'Cast', [b.input('mask of tokens', 'int32', [-1, -1])], float);
    const dropped = b.node('dropped', 'Sub', [b.weight('one', [], Float32Array.of(1)), cast]);
    const bias = b.node('bias', 'Mul', [dropped, b.weight('least', [], Float32Array.of(-1e4))]);
    return b.node('padded', 'AddV2', [b.node('heads', 'ExpandDims', [bias, list(b, 'axis', 1)]), logits]);
  };
  const all = (b: Builder, logits: string): string =>
    b.node('causal', 'AddV2', [logits, b.weight('triangle', [3, 3], triangle)]);
  const found = { logits: 'logits', padding: 'mask of tokens', windows: { count: 1, tokens: 3 } };
  expect(read((b, logits) => padding(b, all(b, logits)))).toMatchObject({ ...found, nodes: ['padded', 'causal'] });
  expect(read((b, logits) => all(b, padding(b, logits)))).toMatchObject({ ...found, nodes: ['causal', 'padded'] });
});

test('a mask whose sum something else reads too is part of the logits', () => {
  const found = read((b, logits) => {
    const sum = b.node('sum', 'AddV2', [logits, b.weight('mask', [3, 3], triangle)]);
    b.output('shown', sum, [-1, 2, 3, 3]);
    return sum;
  });
  expect(found).toEqual({ logits: 'sum', nodes: [] });
});
