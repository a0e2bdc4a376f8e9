import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import { canonicalize, type Graph } from '../index.ts';
import { becomes, neverBecomes, written, type Draft, type Form } from '../testing/forms.ts';

beforeAll(() => setBackend('cpu'));

const turn = (d: Draft, y: string, ...order: number[]): string => d.node('Transpose', [y, d.list(...order)]);
const reshape = (d: Draft, y: string, ...shape: number[]): string => d.node('Reshape', [y, d.list(...shape)]);
/** value[.., i, ..] along one of its axes */
const at = (d: Draft, y: string, rank: number, axis: number, i: number): string => {
  const list = (one: number, others: number): string =>
    d.list(...Array.from({ length: rank }, (_, k) => (k === axis ? one : others)));
  const masks = {
    begin_mask: 2 ** rank - 1 - 2 ** axis,
    end_mask: 2 ** rank - 1 - 2 ** axis,
    shrink_axis_mask: 2 ** axis,
  };
  return d.node('StridedSlice', [y, list(i, 0), list(i + 1, 0), list(1, 1)], masks);
};
/** Queries, keys and values of two heads by one product: [batch, 5, 24] */
const layer = (d: Draft, columns = 24): string =>
  d.node('BiasAdd', [d.node('MatMul', [d.x, d.floats(8, columns)]), d.floats(columns)]);
const apart = (y: string): string[] => [y, `${y}:1`, `${y}:2`];

/** softmax(q kᵀ / 2) v of [batch, 2, 5, 4] each, merged. */
function attention(d: Draft, [q, k, v]: readonly string[]): string {
  const logits = d.node('BatchMatMulV2', [q!, k!], { adj_x: false, adj_y: true });
  const probabilities = d.node('Softmax', [d.node('Mul', [logits, d.scalar(0.5)])]);
  const context = d.node('BatchMatMulV2', [probabilities, v!], { adj_x: false, adj_y: false });
  return reshape(d, turn(d, context, 0, 2, 1, 3), -1, 5, 8);
}

const heads = (d: Draft, rows: readonly string[]): string[] =>
  rows.map((y) => turn(d, reshape(d, y, -1, 5, 2, 4), 0, 2, 1, 3));

const ways: Readonly<Record<string, Form>> = {
  Unpack: (d) => {
    const y = turn(d, reshape(d, layer(d), -1, 5, 3, 2, 4), 2, 0, 3, 1, 4);
    return attention(d, apart(d.node('Unpack', [y], { num: 3, axis: 0 })));
  },
  'StridedSlice behind a Transpose': (d) => {
    const y = turn(d, reshape(d, layer(d), -1, 5, 3, 2, 4), 2, 0, 3, 1, 4);
    return attention(
      d,
      [0, 1, 2].map((i) => at(d, y, 5, 0, i)),
    );
  },
  'GatherV2 before a Transpose': (d) => {
    const y = reshape(d, layer(d), -1, 5, 3, 2, 4);
    const rows = [0, 1, 2].map((i) => d.node('GatherV2', [y, d.integer(i), d.integer(2)], { batch_dims: 0 }));
    return attention(
      d,
      rows.map((row) => turn(d, row, 0, 2, 1, 3)),
    );
  },
  'Split along a new axis, then Squeeze': (d) => {
    const y = d.node('Split', [d.integer(2), reshape(d, layer(d), -1, 5, 3, 2, 4)], { num_split: 3 });
    const rows = apart(y).map((row) => d.node('Squeeze', [row], { squeeze_dims: [2] }));
    return attention(
      d,
      rows.map((row) => turn(d, row, 0, 2, 1, 3)),
    );
  },
  'Split along the channels': (d) =>
    attention(d, heads(d, apart(d.node('Split', [d.integer(-1), layer(d)], { num_split: 3 })))),
  'SplitV along the channels': (d) =>
    attention(d, heads(d, apart(d.node('SplitV', [layer(d), d.list(8, 8, 8), d.integer(2)], { num_split: 3 })))),
  'Slices of the channels': (d) => {
    const y = layer(d);
    const rows = [0, 1, 2].map((i) => d.node('Slice', [y, d.list(0, 0, 8 * i), d.list(-1, -1, 8)]));
    return attention(d, heads(d, rows));
  },
  'heads outside, interleaved': (d) => {
    const y = turn(d, reshape(d, layer(d), -1, 5, 2, 3, 4), 3, 0, 2, 1, 4);
    return attention(d, apart(d.node('Unpack', [y], { num: 3, axis: 0 })));
  },
  'a flattened product': (d) => {
    const rows = reshape(d, d.x, -1, 8);
    const y = d.node('BiasAdd', [d.node('MatMul', [rows, d.floats(8, 24)]), d.floats(24)]);
    const turned = turn(d, reshape(d, y, -1, 5, 3, 2, 4), 2, 0, 3, 1, 4);
    return attention(d, apart(d.node('Unpack', [turned], { num: 3, axis: 0 })));
  },
};

/** Where values stand behind the softmax, topologically. */
const lazy: readonly string[] = ['Unpack', 'heads outside, interleaved', 'a flattened product'];

describe('queries, keys and values from one product', () => {
  const dense = ['MatMul', 'BiasAdd'];
  const byUnpack = Object.entries(ways).filter(([name]) => lazy.includes(name));
  const others = Object.entries(ways).filter(([name]) => !lazy.includes(name));
  becomes(
    [...dense, ...dense, 'AttentionLogits', 'Softmax', ...dense, 'AttentionContext'],
    Object.fromEntries(byUnpack),
  );
  becomes([...dense, ...dense, ...dense, 'AttentionLogits', 'Softmax', 'AttentionContext'], Object.fromEntries(others));
  becomes(['MatMul', 'MatMul', 'MatMul', 'AttentionLogits', 'Softmax', 'AttentionContext'], {
    'without a bias': (d) => {
      const y = d.node('BatchMatMulV2', [d.x, d.floats(8, 24)], { adj_x: false, adj_y: false });
      return attention(d, heads(d, apart(d.node('Split', [d.integer(2), y], { num_split: 3 }))));
    },
  });

  test.each(Object.entries(ways))('%s: no weight is stored twice', (_, form) => {
    const floats = (graph: Graph): number =>
      [...graph.weights.values()].reduce(
        (sum, { dtype, shape, data }) => sum + (dtype === 'float32' && shape.length > 0 ? data.length : 0),
        0,
      );
    const graph = written(form);
    expect(floats(canonicalize(graph))).toBe(8 * 24 + 24);
  });

  const ids = (d: Draft): string => d.node('Shape', [d.states]);
  const size = (d: Draft, axis: number): string =>
    d.node('StridedSlice', [ids(d), d.list(axis), d.list(axis + 1), d.list(1)], { shrink_axis_mask: 1 });
  becomes([...dense, ...dense, 'AttentionLogits'], {
    'over any number of tokens': (d) => {
      const y = d.node('BiasAdd', [d.node('MatMul', [d.states, d.floats(8, 16)]), d.floats(16)]);
      const parts = [size(d, 0), size(d, 1), ...[2, 2, 4].map((length) => d.integer(length))];
      const split = d.node('Reshape', [y, d.node('Pack', parts, { N: 5, axis: 0 })]);
      const both = d.node('Unpack', [turn(d, split, 2, 0, 3, 1, 4)], { num: 2, axis: 0 });
      return d.node('BatchMatMulV2', [both, `${both}:1`], { adj_x: false, adj_y: true });
    },
  });
});

describe('other layers that are taken apart', () => {
  becomes(['MatMul', 'BiasAdd', 'MatMul', 'BiasAdd', 'Sigmoid', 'Mul'], {
    'a gate and what goes through it': (d) => {
      const y = d.node('Split', [d.integer(2), layer(d)], { num_split: 2 });
      return d.node('Mul', [y, d.node('Sigmoid', [`${y}:1`])]);
    },
  });
  becomes(['MatMul', 'BiasAdd', 'Relu'], {
    'columns that nothing reads': (d) =>
      d.node('Relu', [d.node('Slice', [layer(d), d.list(0, 0, 3), d.list(-1, -1, 7)])]),
  });
});

describe('layers that stay', () => {
  const two = (d: Draft, y: string): string => {
    const pair = d.node('Split', [d.integer(2), y], { num_split: 2 });
    return d.node('Mul', [pair, `${pair}:1`]);
  };
  becomes(['MatMul', 'BiasAdd', 'Slice', 'Slice', 'Mul'], {
    'one that is shown whole': (d) => two(d, d.shown(layer(d))),
  });
  becomes(['CqFakeQuantize', 'MatMul', 'BiasAdd', 'Slice', 'Slice', 'Mul'], {
    'one whose weight is quantized': (d) =>
      two(d, d.node('BiasAdd', [d.node('MatMul', [d.x, d.quantized(d.floats(8, 24))]), d.floats(24)])),
  });
  becomes(['MatMul', 'BiasAdd', 'CqFakeQuantize', 'Slice', 'Slice', 'Mul'], {
    'one whose output is quantized': (d) => two(d, d.quantized(layer(d))),
  });
  becomes(['MatMul', 'BiasAdd', 'Slice', 'Slice', 'AddV2'], {
    'tokens that are taken apart': (d) => {
      const y = layer(d);
      const some = (begin: number): string => d.node('Slice', [y, d.list(0, begin, 0), d.list(-1, 2, -1)]);
      return d.node('AddV2', [some(0), some(2)]);
    },
  });
  neverBecomes('Slice', {
    'one that is not taken apart': (d) => d.node('Relu', [layer(d)]),
  });
});
