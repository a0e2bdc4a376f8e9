import { build, randomOf, type Graph } from '@cq/core';

export interface SmallBertOptions {
  readonly vocabulary: number;
  readonly positions: number;
  readonly labels: readonly string[];
  readonly layers?: number;
  readonly hidden?: number;
  readonly heads?: number;
}

/** A BERT for classification before any training: `input_ids`, `attention_mask` [batch, tokens] → logits [batch, classes]. */
export function smallBert(options: SmallBertOptions, seed: number): Graph {
  const { vocabulary, positions, labels, layers = 4, hidden = 64, heads = 4 } = options;
  const b = build();
  let drawn = 0;
  const random = (name: string, shape: readonly number[]): string => {
    const own = randomOf(seed, drawn++);
    const size = shape.reduce((product, length) => product * length, 1);
    // The sum of 12 uniform numbers is nearly normal, with variance 1.
    const normal = (): number =>
      Array.from({ length: 12 }, () => own.uniform()).reduce((sum, value) => sum + value, -6);
    return b.weight(
      name,
      shape,
      Float32Array.from({ length: size }, () => 0.05 * normal()),
    );
  };
  const filled = (name: string, size: number, value: number): string =>
    b.weight(name, [size], new Float32Array(size).fill(value));
  const scalar = (name: string, value: number): string => b.weight(name, [], Float32Array.of(value));
  const whole = (name: string, values: readonly number[], shape: readonly number[] = [values.length]): string =>
    b.weight(name, shape, Int32Array.from(values));
  const dense = (name: string, x: string, inputs: number, outputs: number): string => {
    const product = b.node(`${name}/product`, 'MatMul', [x, random(`${name}/weight`, [inputs, outputs])]);
    return b.node(name, 'BiasAdd', [product, filled(`${name}/bias`, outputs, 0)]);
  };
  const norm = (name: string, x: string): string =>
    b.node(name, 'LayerNorm', [x, filled(`${name}/gamma`, hidden, 1), filled(`${name}/beta`, hidden, 0)], {
      epsilon: Math.fround(1e-12),
    });

  const ids = b.input('input_ids', 'int32', [-1, -1]);
  const present = b.input('attention_mask', 'int32', [-1, -1]);
  const cast = b.node('mask/cast', 'Cast', [present], {
    SrcT: { type: 'DT_INT32' },
    DstT: { type: 'DT_FLOAT' },
  });
  const absent = b.node('mask/absent', 'Sub', [scalar('mask/one', 1), cast]);
  const masked = b.node('mask/masked', 'Mul', [absent, scalar('mask/lowest', -10_000)]);
  const rows = b.node('mask/rows', 'ExpandDims', [masked, whole('mask/axis', [1], [])]);
  const mask = b.node('mask', 'ExpandDims', [rows, whole('mask/heads', [1], [])]);

  const looked = b.node(
    'words',
    'GatherV2',
    [random('words/table', [vocabulary, hidden]), ids, whole('words/axis', [0], [])],
    {
      batch_dims: 0,
    },
  );
  const shape = b.node('positions/shape', 'Shape', [ids]);
  const tokens = b.node(
    'positions/tokens',
    'StridedSlice',
    [shape, whole('positions/from', [1]), whole('positions/to', [2]), whole('positions/stride', [1])],
    { shrink_axis_mask: 1 },
  );
  const size = b.node('positions/size', 'Pack', [tokens, whole('positions/channels', [hidden], [])], { axis: 0 });
  const table = random('positions/table', [positions, hidden]);
  const places = b.node('positions', 'Slice', [table, whole('positions/begin', [0, 0]), size]);
  let x = norm('embedded', b.node('sum', 'AddV2', [looked, places]));
  const depth = hidden / heads;
  for (let i = 0; i < layers; i++) {
    const name = (part: string): string => `layer${i}/${part}`;
    const [q, k, v] = ['query', 'key', 'value'].map((part) => dense(name(part), x, hidden, hidden));
    const form = { heads, depth, tokens: -1 };
    const factor = Math.fround(1 / Math.sqrt(depth));
    const logits = b.node(name('logits'), 'AttentionLogits', [q!, k!], { ...form, factor });
    const softmax = b.node(name('softmax'), 'Softmax', [b.node(name('masked'), 'AddV2', [logits, mask])]);
    const context = b.node(name('context'), 'AttentionContext', [softmax, v!], form);
    const attended = b.node(name('attended'), 'AddV2', [dense(name('output'), context, hidden, hidden), x]);
    x = norm(name('between'), attended);
    const active = b.node(name('gelu'), 'Gelu', [dense(name('widen'), x, hidden, 4 * hidden)], { approximate: false });
    x = norm(name('after'), b.node(name('sum'), 'AddV2', [dense(name('narrow'), active, 4 * hidden, hidden), x]));
  }
  const first = b.node('first', 'Slice', [x, whole('first/begin', [0, 0, 0]), whole('first/size', [-1, 1, -1])]);
  const row = b.node('row', 'Reshape', [first, whole('row/shape', [-1, hidden])]);
  b.output('logits', dense('classifier', row, hidden, labels.length), [-1, labels.length]);
  return b.graph({ task: 'text-classification', labels });
}
