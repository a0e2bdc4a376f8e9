import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import { canonicalize } from '../index.ts';
import { becomes, neverBecomes, written, type Draft } from '../testing/forms.ts';

beforeAll(() => setBackend('cpu'));

const sizeOf = (d: Draft, value: string, axis: number): string =>
  d.node('StridedSlice', [d.node('Shape', [value]), d.list(axis), d.list(axis + 1), d.list(1)], {
    ...{ begin_mask: 0, end_mask: 0, ellipsis_mask: 0, new_axis_mask: 0 },
    shrink_axis_mask: 1,
  });
const sizes = (d: Draft, ...parts: (string | number)[]): string =>
  d.node(
    'Pack',
    parts.map((part) => (typeof part === 'number' ? d.integer(part) : part)),
    { N: parts.length, axis: 0 },
  );
const rows = (d: Draft, table: string, ids: string): string =>
  d.node('GatherV2', [table, ids, d.integer(0)], { batch_dims: 0, Taxis: { type: 'DT_INT32' } });
/** Float rows of a table, by ids: they meet `states`, so that both have as many tokens. */
const embedded = (d: Draft): string => d.node('AddV2', [rows(d, d.floats(6, 8), d.ids), d.states]);

describe('lookups', () => {
  const oneHot = (d: Draft, ids: string, depth = 6, on = 1, off = 0): string =>
    d.node('OneHot', [ids, d.integer(depth), d.scalar(on), d.scalar(off)], { axis: -1 });
  const flat = (d: Draft): string => d.node('Reshape', [d.ids, d.list(-1)]);
  const back = (d: Draft, y: string): string =>
    d.node('Reshape', [y, sizes(d, sizeOf(d, d.ids, 0), sizeOf(d, d.ids, 1), 8)]);
  becomes(['GatherV2'], {
    Gather: (d) => d.node('Gather', [d.floats(6, 8), d.ids], { validate_indices: true }),
    'an axis of one entry': (d) => d.node('GatherV2', [d.floats(6, 8), d.ids, d.list(0)]),
    'flattened ids': (d) => back(d, rows(d, d.floats(6, 8), flat(d))),
    'ids of a column, flattened': (d) => {
      const column = d.node('ExpandDims', [d.ids, d.integer(-1)]);
      return back(d, rows(d, d.floats(6, 8), d.node('Reshape', [column, d.list(-1)])));
    },
    'the product with OneHot ids': (d) => d.node('BatchMatMulV2', [oneHot(d, d.ids), d.floats(6, 8)]),
    'the product with OneHot ids, flattened': (d) => back(d, d.node('MatMul', [oneHot(d, flat(d)), d.floats(6, 8)])),
    'ids that were int64': (d) => {
      const types = { SrcT: { type: 'DT_INT64' }, DstT: { type: 'DT_INT32' } };
      return rows(d, d.floats(6, 8), d.node('Cast', [d.ids], types));
    },
  });
  neverBecomes('GatherV2', {
    'a product with what is not 1': (d) => d.node('MatMul', [oneHot(d, d.ids, 6, 2), d.floats(6, 8)]),
    'a product with what is not 0': (d) => d.node('MatMul', [oneHot(d, d.ids, 6, 1, 0.5), d.floats(6, 8)]),
  });

  test('a resource is a table', () => {
    const graph = canonicalize(written((d) => d.node('ResourceGather', [d.floats(6, 8), d.ids], { batch_dims: 0 })));
    expect([...graph.nodes.values()]).toMatchObject([{ op: 'GatherV2', attrs: { batch_dims: 0 } }]);
  });
});

describe('positions', () => {
  const count = (d: Draft): string => sizeOf(d, d.ids, 1);
  const counting = (d: Draft, start = 0): string => d.node('Range', [d.integer(start), count(d), d.integer(1)]);
  const upTo = (d: Draft, ...values: number[]): string =>
    d.node('Slice', [d.list(...values), d.list(0), sizes(d, count(d))]);
  const first = ['Shape', 'StridedSlice', 'Pack', 'Slice'];
  becomes(first, {
    'a Slice': (d) => d.node('Slice', [d.floats(6, 8), d.list(0, 0), sizes(d, count(d), 8)]),
    'a StridedSlice': (d) => {
      const bounds = [d.list(0, 0), sizes(d, count(d), 0), d.list(1, 1)];
      return d.node('StridedSlice', [d.floats(6, 8), ...bounds], { begin_mask: 3, end_mask: 2 });
    },
    'rows by Range': (d) => rows(d, d.floats(6, 8), counting(d)),
    'rows by the first of all numbers': (d) => rows(d, d.floats(6, 8), upTo(d, 0, 1, 2, 3, 4, 5)),
  });
  becomes([...first, 'ExpandDims'], {
    'a batch of one': (d) => rows(d, d.floats(6, 8), d.node('ExpandDims', [counting(d), d.integer(0)])),
  });
  becomes([...first, 'GatherV2', 'AddV2'], {
    'copied for the batch': (d) => {
      const one = d.node('ExpandDims', [rows(d, d.floats(6, 8), counting(d)), d.integer(0)]);
      const copies = d.node('Tile', [one, sizes(d, sizeOf(d, d.ids, 0), 1, 1)]);
      return d.node('AddV2', [rows(d, d.floats(6, 8), d.ids), copies]);
    },
    'broadcast to the batch': (d) => {
      const shape = sizes(d, sizeOf(d, d.ids, 0), count(d), 8);
      const all = d.node('BroadcastTo', [rows(d, d.floats(6, 8), counting(d)), shape]);
      return d.node('AddV2', [rows(d, d.floats(6, 8), d.ids), all]);
    },
  });
  neverBecomes('Slice', {
    'rows from the second on': (d) => rows(d, d.floats(6, 8), counting(d, 1)),
  });
  becomes(['Shape', 'StridedSlice', 'Pack', 'Slice', 'GatherV2'], {
    'rows in another order': (d) => rows(d, d.floats(6, 8), upTo(d, 0, 1, 3, 2, 4, 5)),
  });
  neverBecomes('AddV2', {
    'a copy that nothing else makes': (d) =>
      d.node('Tile', [d.node('ExpandDims', [d.floats(3, 8), d.integer(0)]), sizes(d, sizeOf(d, d.ids, 0), 1, 1)]),
  });
  becomes(['Tile', 'AddV2'], {
    'a copy that the other operand lacks': (d) =>
      d.node('AddV2', [d.floats(1, 5, 8), d.node('Tile', [d.floats(1, 5, 8), d.list(2, 1, 1)])]),
  });
});

describe('sections', () => {
  const at = (d: Draft, begin: number[], end: number[], masks: Readonly<Record<string, number>>): string => {
    const bounds = [d.list(...begin), d.list(...end), d.list(...begin.map(() => 1))];
    return d.node('StridedSlice', [d.states, ...bounds], masks);
  };
  becomes(['Slice', 'Reshape'], {
    'the first token by StridedSlice': (d) =>
      at(d, [0, 0, 0], [0, 1, 0], { begin_mask: 5, end_mask: 5, shrink_axis_mask: 2 }),
    'the first token behind an ellipsis': (d) =>
      at(d, [0, 0, 0, 0], [0, 0, 1, 0], { begin_mask: 10, end_mask: 10, ellipsis_mask: 1, shrink_axis_mask: 4 }),
    'the first token by GatherV2': (d) => d.node('GatherV2', [d.states, d.integer(0), d.integer(1)]),
    'the first token by Slice and Squeeze': (d) =>
      d.node('Squeeze', [d.node('Slice', [d.states, d.list(0, 0, 0), d.list(-1, 1, 8)])], { squeeze_dims: [1] }),
  });
  becomes(['Slice'], {
    'the first token, its axis kept': (d) => at(d, [0, 0], [0, 1], { begin_mask: 1, end_mask: 1 }),
    'the last channels': (d) => at(d, [0, 0, -3], [0, 0, 0], { begin_mask: 3, end_mask: 7 }),
    'channels from both ends': (d) => at(d, [0, 0, 1], [0, 0, -1], { begin_mask: 3, end_mask: 3 }),
  });
  becomes(['Slice', 'Squeeze'], {
    'one channel, with two sizes that vary': (d) =>
      at(d, [0, 0, 2], [0, 0, 3], { begin_mask: 3, end_mask: 3, shrink_axis_mask: 4 }),
  });
  becomes(['ExpandDims', 'ExpandDims'], {
    'new axes': (d) => at(d, [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], { begin_mask: 19, end_mask: 19, new_axis_mask: 12 }),
  });
  becomes(['StridedSlice'], {
    'at most four tokens: an end that may lie behind the last one': (d) =>
      at(d, [0, 0], [0, 4], { begin_mask: 1, end_mask: 1 }),
    'all tokens but the last one': (d) => at(d, [0, 0], [0, -1], { begin_mask: 1, end_mask: 1 }),
  });
  becomes(['Relu', 'Slice', 'Slice', 'ConcatV2'], {
    'pieces by Split': (d) => {
      const y = d.node('Split', [d.integer(2), d.node('Relu', [d.image])], { num_split: 2 });
      return d.node('ConcatV2', [`${y}:1`, y, `${y}:1`, d.integer(2)], { N: 3 });
    },
  });
  becomes(['Relu', 'Slice', 'Slice', 'Slice', 'ConcatV2'], {
    'pieces by SplitV': (d) => {
      const y = d.node('SplitV', [d.node('Relu', [d.image]), d.list(1, 2, 1), d.integer(-2)], { num_split: 3 });
      return d.node('ConcatV2', [`${y}:1`, y, `${y}:2`, d.integer(2)], { N: 3 });
    },
  });
});

describe('padding masks', () => {
  const logits = (d: Draft): string => {
    const heads = (): string => {
      const y = d.node('MatMul', [embedded(d), d.floats(8, 8)]);
      const split = d.node('Reshape', [y, sizes(d, sizeOf(d, y, 0), sizeOf(d, y, 1), 2, 4)]);
      return d.node('Transpose', [split, d.list(0, 2, 1, 3)]);
    };
    return d.node('BatchMatMulV2', [heads(), heads()], { adj_x: false, adj_y: true });
  };
  const attended = (d: Draft, bias: string): string => d.node('Softmax', [d.node('AddV2', [logits(d), bias])]);
  const float = (d: Draft, y: string): string =>
    d.node('Cast', [y], { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' } });
  const dropped = (d: Draft, y: string, infinity = -3.4028234663852886e38): string =>
    d.node('Mul', [d.node('Sub', [d.scalar(1), y]), d.scalar(infinity)]);
  const written = ['Cast', 'Sub', 'Mul', 'ExpandDims', 'ExpandDims'];
  const product = ['GatherV2', 'AddV2', 'MatMul'];
  const all = [...product, ...product, 'AttentionLogits', ...written, 'AddV2', 'Softmax'];
  const spread = (d: Draft, y: string, ...shape: (string | number)[]): string =>
    d.node('Reshape', [y, sizes(d, ...shape)]);
  const [batch, tokens] = [0, 1].map((axis) => (d: Draft) => sizeOf(d, d.mask, axis)) as [
    (d: Draft) => string,
    (d: Draft) => string,
  ];
  const rowsOfOnes = (d: Draft, mask: string, ...shape: (string | number)[]): string =>
    d.node('Mul', [d.node('Fill', [sizes(d, ...shape), d.scalar(1)]), mask]);
  becomes(all, {
    'spread before the Cast': (d) => attended(d, dropped(d, float(d, spread(d, d.mask, batch(d), 1, 1, tokens(d))))),
    'spread behind the Cast, the bias first': (d) => {
      const bias = dropped(d, spread(d, float(d, d.mask), batch(d), 1, 1, tokens(d)), -1e4);
      return d.node('Softmax', [d.node('AddV2', [bias, logits(d)])]);
    },
    'subtracted from the logits': (d) => {
      const bias = dropped(d, float(d, spread(d, d.mask, batch(d), 1, 1, tokens(d))), 1e30);
      return d.node('Softmax', [d.node('Sub', [logits(d), bias])]);
    },
    'subtracted from a tiny number': (d) => {
      const bias = dropped(d, float(d, spread(d, d.mask, batch(d), 1, 1, tokens(d))), 1e30);
      return attended(d, d.node('Sub', [d.scalar(1e-9), bias]));
    },
    'one subtracted from the mask': (d) => {
      const y = float(d, spread(d, d.mask, batch(d), 1, 1, tokens(d)));
      return attended(d, d.node('Mul', [d.node('Sub', [y, d.scalar(1)]), d.scalar(2000)]));
    },
    'chosen by a comparison': (d) => {
      const isPadding = d.node('Equal', [spread(d, d.mask, batch(d), 1, 1, tokens(d)), d.integer(0)]);
      return attended(d, d.node('SelectV2', [isPadding, d.scalar(-3.4028234663852886e38), d.scalar(0)]));
    },
    'new axes in the end': (d) => {
      const bounds = [d.list(0, 0, 0, 0), d.list(0, 0, 0, 0), d.list(1, 1, 1, 1)];
      const masks = { begin_mask: 9, end_mask: 9, new_axis_mask: 6 };
      return attended(d, d.node('StridedSlice', [dropped(d, float(d, d.mask), -1e9), ...bounds], masks));
    },
    'rows of ones': (d) => {
      const keys = float(d, spread(d, d.mask, batch(d), 1, tokens(d)));
      const square = rowsOfOnes(d, keys, batch(d), tokens(d), 1);
      return attended(d, dropped(d, d.node('ExpandDims', [square, d.list(1)])));
    },
  });
  becomes(
    [
      ...product,
      ...product,
      'AttentionLogits',
      ...written,
      'AddV2',
      'Softmax',
      'AttentionLogits',
      'AddV2',
      'Softmax',
      'AddV2',
    ],
    {
      'one for each attention': (d) => {
        const states = (): string => d.node('MatMul', [embedded(d), d.floats(8, 8)]);
        const pair = [states(), states()] as const;
        const attention = (q: string, k: string): string => {
          const heads = (y: string): string =>
            d.node('Transpose', [
              d.node('Reshape', [y, sizes(d, sizeOf(d, y, 0), sizeOf(d, y, 1), 2, 4)]),
              d.list(0, 2, 1, 3),
            ]);
          const bias = dropped(d, float(d, spread(d, d.mask, batch(d), 1, 1, tokens(d))));
          const product = d.node('BatchMatMulV2', [heads(q), heads(k)], { adj_x: false, adj_y: true });
          return d.node('Softmax', [d.node('AddV2', [product, bias])]);
        };
        return d.node('AddV2', [attention(...pair), attention(pair[1], pair[0])]);
      },
    },
  );
  neverBecomes('ExpandDims', {
    'queries instead of keys': (d) => {
      const queries = float(d, spread(d, d.mask, batch(d), tokens(d), 1));
      const square = rowsOfOnes(d, queries, batch(d), 1, tokens(d));
      return attended(d, dropped(d, spread(d, square, batch(d), 1, tokens(d), tokens(d)), -2000));
    },
    'a number that is no infinity': (d) =>
      attended(d, dropped(d, float(d, spread(d, d.mask, batch(d), 1, 1, tokens(d))), -100)),
    'logits that are shown with it': (d) =>
      d.node('Softmax', [
        d.shown(
          d.node('AddV2', [logits(d), dropped(d, float(d, spread(d, d.mask, batch(d), 1, 1, tokens(d))), -2000)]),
        ),
      ]),
    'the mask upside down': (d) => {
      const y = float(d, spread(d, d.mask, batch(d), 1, 1, tokens(d)));
      return attended(d, d.node('Mul', [d.node('Sub', [y, d.scalar(1)]), d.scalar(-2000)]));
    },
  });
});

describe('attention over any number of tokens', () => {
  const dense = (d: Draft, x: string): string => d.node('MatMul', [x, d.floats(8, 8)]);
  const heads = (d: Draft, y: string, shape: string): string =>
    d.node('Transpose', [d.node('Reshape', [y, shape]), d.list(0, 2, 1, 3)]);
  const product = (d: Draft, q: string, k: string): string =>
    d.node('BatchMatMulV2', [q, k], { adj_x: false, adj_y: true });
  const ways: Readonly<Record<string, (d: Draft, y: string) => string>> = {
    'both sizes asked for': (d, y) => sizes(d, sizeOf(d, y, 0), sizeOf(d, y, 1), 2, 4),
    'tokens that follow from the rest': (d, y) => sizes(d, sizeOf(d, y, 0), -1, 2, 4),
    'a batch that follows from the rest': (d, y) => sizes(d, -1, sizeOf(d, y, 1), 2, 4),
    'the first sizes of the shape and the last': (d, y) => {
      const bounds = [d.list(0), d.list(2), d.list(1)];
      return d.node('ConcatV2', [
        d.node('StridedSlice', [d.node('Shape', [y]), ...bounds]),
        d.list(2, 4),
        d.integer(0),
      ]);
    },
    'a shape taken apart by Unpack': (d, y) => {
      const parts = d.node('Unpack', [d.node('Shape', [y])], { num: 3, axis: 0 });
      return sizes(d, parts, `${parts}:1`, 2, 4);
    },
    'sizes of the input': (d) => sizes(d, sizeOf(d, d.states, 0), sizeOf(d, d.states, 1), 2, 4),
  };
  becomes(
    ['MatMul', 'MatMul', 'AttentionLogits'],
    Object.fromEntries(
      Object.entries(ways).map(([name, way]) => [
        name,
        (d: Draft) => {
          const [q, k] = [dense(d, d.states), dense(d, d.states)];
          return product(d, heads(d, q, way(d, q)), heads(d, k, way(d, k)));
        },
      ]),
    ),
  );
  neverBecomes('AttentionLogits', {
    'as many keys as another input has tokens': (d) =>
      product(d, heads(d, d.states, sizes(d, -1, sizeOf(d, d.states, 1), 2, 4)), heads(d, d.x, d.list(-1, 5, 2, 4))),
    'sizes of an input that never meets the values': (d) => {
      const shape = (): string => sizes(d, sizeOf(d, d.ids, 0), sizeOf(d, d.ids, 1), 2, 4);
      return product(d, heads(d, d.states, shape()), heads(d, d.states, shape()));
    },
  });
});
