import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import { canonicalize, type Attr } from '../index.ts';
import { becomes, neverBecomes, written, type Draft, type Form } from '../testing/forms.ts';

beforeAll(() => setBackend('cpu'));

describe('LayerNorm', () => {
  const keep = { keep_dims: true };
  const mean = (d: Draft, x: string, axis = d.list(-1)): string => d.node('Mean', [x, axis], keep);
  const variance = (d: Draft, x: string): string =>
    d.node('AddV2', [mean(d, d.node('SquaredDifference', [x, mean(d, x)])), d.scalar(1e-5)]);
  const centred = (d: Draft): string => d.node('Sub', [d.x, mean(d, d.x)]);
  becomes(['LayerNorm'], {
    'γ x̂ + β, squared by Pow, divided by Sqrt'(d) {
      const c = centred(d);
      const v = d.node('AddV2', [mean(d, d.node('Pow', [c, d.scalar(2)])), d.scalar(1e-5)]);
      const normal = d.node('RealDiv', [c, d.node('Sqrt', [v])]);
      return d.node('AddV2', [d.node('Mul', [normal, d.floats(8)]), d.floats(8)]);
    },
    'the mean subtracted twice by two nodes, the deviation by Pow ½'(d) {
      const c = centred(d);
      const v = d.node('AddV2', [d.scalar(1e-5), mean(d, d.node('Mul', [c, c]))]);
      const normal = d.node('RealDiv', [centred(d), d.node('Pow', [v, d.scalar(0.5)])]);
      return d.node('AddV2', [d.floats(8), d.node('Mul', [d.floats(8), normal])]);
    },
    'the positive last axis of a known rank, multiplied by Reciprocal'(d) {
      const c = d.node('Sub', [d.x, mean(d, d.x, d.list(2))]);
      const v = d.node('AddV2', [mean(d, d.node('Square', [c]), d.list(2)), d.scalar(1e-5)]);
      const inverse = d.node('Reciprocal', [d.node('Sqrt', [v])]);
      return d.node('AddV2', [d.node('Mul', [d.node('Mul', [inverse, c]), d.floats(8)]), d.floats(8)]);
    },
    'γ multiplied first, parameters of three axes'(d) {
      const inverse = d.node('Pow', [variance(d, d.x), d.scalar(-0.5)]);
      const scaled = d.node('Mul', [d.node('Mul', [d.floats(1, 1, 8), centred(d)]), inverse]);
      return d.node('AddV2', [scaled, d.floats(1, 1, 8)]);
    },
    'like a batch norm, the offset subtracted from β'(d) {
      const f = d.node('Mul', [d.floats(8), d.node('Rsqrt', [variance(d, d.x)])]);
      const offset = d.node('Sub', [d.floats(8), d.node('Mul', [f, mean(d, d.x)])]);
      return d.node('AddV2', [offset, d.node('Mul', [f, d.x])]);
    },
    'like a batch norm, the offset subtracted before β'(d) {
      const f = d.node('RealDiv', [d.floats(8), d.node('Sqrt', [variance(d, d.x)])]);
      const difference = d.node('Sub', [d.node('Mul', [d.x, f]), d.node('Mul', [mean(d, d.x), f])]);
      return d.node('AddV2', [difference, d.floats(8)]);
    },
    'moments behind a StopGradient'(d) {
      const m = mean(d, d.x);
      const squares = d.node('SquaredDifference', [d.x, d.node('StopGradient', [m])]);
      const v = d.node('Add', [mean(d, squares), d.scalar(1e-5)]);
      const f = d.node('Mul', [d.node('Rsqrt', [v]), d.floats(8)]);
      const offset = d.node('Sub', [d.floats(8), d.node('Mul', [m, f])]);
      return d.node('Add', [d.node('Mul', [d.x, f]), offset]);
    },
  });
});

describe('almost LayerNorm', () => {
  const keep = { keep_dims: true };
  interface Twist {
    readonly axis?: number;
    readonly second?: number;
    readonly centred?: (d: Draft, value: string) => string;
    readonly variance?: (d: Draft, value: string) => string;
    readonly divide?: (d: Draft, centred: string, variance: string) => string;
    readonly gamma?: (d: Draft) => string;
  }
  const norm =
    ({ axis = -1, second = axis, ...twist }: Twist): Form =>
    (d) => {
      const same = (_: Draft, value: string): string => value;
      const difference = d.node('Sub', [d.x, d.node('Mean', [d.x, d.list(axis)], keep)]);
      const centred = (twist.centred ?? same)(d, difference);
      const mean = d.node('Mean', [d.node('Square', [centred]), d.list(second)], keep);
      const variance = (twist.variance ?? same)(d, mean);
      const root = d.node('Sqrt', [d.node('AddV2', [variance, d.scalar(1e-5)])]);
      const normal = twist.divide?.(d, centred, root) ?? d.node('RealDiv', [centred, root]);
      const gamma = twist.gamma?.(d) ?? d.floats(8);
      return d.node('AddV2', [d.node('Mul', [normal, gamma]), d.floats(8)]);
    };
  becomes(['LayerNorm'], { 'untwisted it is one': norm({}) });
  neverBecomes('LayerNorm', {
    'another axis': norm({ axis: 1 }),
    'the variance over another axis': norm({ second: 1 }),
    'two axes': (d) => {
      const mean = (y: string): string => d.node('Mean', [y, d.list(1, 2)], keep);
      const centred = d.node('Sub', [d.x, mean(d.x)]);
      const root = d.node('Sqrt', [d.node('AddV2', [mean(d.node('Square', [centred])), d.scalar(1e-5)])]);
      return d.node('AddV2', [d.node('Mul', [d.node('RealDiv', [centred, root]), d.floats(8)]), d.floats(8)]);
    },
    'the variance quantized': norm({ variance: (d, value) => d.quantized(value) }),
    'the centred value shown': norm({ centred: (d, value) => d.shown(value) }),
    'the variance of something else': norm({
      variance: (d) => d.node('Mean', [d.node('Exp', [d.x]), d.list(-1)], keep),
    }),
    'multiplied by the deviation': norm({ divide: (d, centred, root) => d.node('Mul', [centred, root]) }),
    'the deviation divided by it': norm({ divide: (d, centred, root) => d.node('RealDiv', [root, centred]) }),
    'the factor of a whole row': norm({ gamma: (d) => d.floats(5, 1) }),
    'the factor of every value': norm({ gamma: (d) => d.floats(5, 8) }),
    'a factor that depends on the input': norm({ gamma: (d) => d.node('Tanh', [d.x]) }),
    'the centred value read elsewhere': norm({
      gamma: (d) => d.floats(8),
      centred: (d, value) => {
        d.shown(d.node('Tanh', [value]));
        return value;
      },
    }),
  });
});

describe('Gelu', () => {
  const one = (d: Draft, y: string): string => d.node('AddV2', [y, d.scalar(1)]);
  const half = (d: Draft, y: string): string => d.node('Mul', [d.scalar(0.5), y]);
  const erf = (d: Draft): string => d.node('Erf', [d.node('RealDiv', [d.x, d.scalar(Math.SQRT2)])]);
  const slope = Math.sqrt(2 / Math.PI);
  const bend = (d: Draft, cube: string): string => d.node('Mul', [cube, d.scalar(0.044715)]);
  const tanh = (d: Draft, sum: string): string => d.node('Tanh', [d.node('Mul', [d.scalar(slope), sum])]);
  becomes(['Gelu'], {
    '(½ x) (1 + erf)': (d) => d.node('Mul', [half(d, d.x), one(d, erf(d))]),
    '½ (x (1 + erf))': (d) => half(d, d.node('Mul', [d.x, one(d, erf(d))])),
    'x (½ (1 + erf))': (d) => d.node('Mul', [half(d, one(d, erf(d))), d.x]),
    'x (½ + ½ erf)': (d) => d.node('Mul', [d.x, d.node('AddV2', [d.scalar(0.5), half(d, erf(d))])]),
    '½ x + ½ x erf': (d) => d.node('AddV2', [half(d, d.x), half(d, d.node('Mul', [d.x, erf(d)]))]),
    'x (1 + erf) / 2': (d) => d.node('RealDiv', [d.node('Mul', [one(d, erf(d)), d.x]), d.scalar(2)]),
    'tanh, x³ by Pow': (d) => {
      const sum = d.node('AddV2', [d.x, bend(d, d.node('Pow', [d.x, d.scalar(3)]))]);
      return d.node('Mul', [half(d, d.x), one(d, tanh(d, sum))]);
    },
    'tanh, x³ by two products': (d) => {
      const sum = d.node('AddV2', [bend(d, d.node('Mul', [d.x, d.node('Mul', [d.x, d.x])])), d.x]);
      return d.node('Mul', [d.x, half(d, one(d, tanh(d, sum)))]);
    },
    'tanh, x taken out of the sum': (d) => {
      const sum = d.node('Mul', [d.x, one(d, bend(d, d.node('Square', [d.x])))]);
      return half(d, d.node('Mul', [d.x, one(d, tanh(d, sum))]));
    },
  });

  neverBecomes('Gelu', {
    'its half left out': (d) => d.node('Mul', [d.x, one(d, erf(d))]),
    'a half that is not': (d) => d.node('Mul', [d.node('Mul', [d.x, d.scalar(0.50001)]), one(d, erf(d))]),
    'no division by √2': (d) => d.node('Mul', [half(d, d.x), one(d, d.node('Erf', [d.x]))]),
    'one subtracted': (d) => d.node('Mul', [half(d, d.x), d.node('Sub', [erf(d), d.scalar(1)])]),
    'the gate of another value': (d) => d.node('Mul', [half(d, d.node('Sin', [d.x])), one(d, erf(d))]),
    'another constant before x³': (d) => {
      const cube = d.node('Mul', [d.node('Pow', [d.x, d.scalar(3)]), d.scalar(0.0447)]);
      return d.node('Mul', [half(d, d.x), one(d, tanh(d, d.node('AddV2', [d.x, cube])))]);
    },
    'the fourth power': (d) => {
      const sum = d.node('AddV2', [d.x, bend(d, d.node('Pow', [d.x, d.scalar(4)]))]);
      return d.node('Mul', [half(d, d.x), one(d, tanh(d, sum))]);
    },
    'erf of what tanh takes': (d) => {
      const sum = d.node('AddV2', [d.x, bend(d, d.node('Pow', [d.x, d.scalar(3)]))]);
      const inner = d.node('Mul', [d.scalar(slope), sum]);
      return d.node('Mul', [half(d, d.x), one(d, d.node('Erf', [inner]))]);
    },
    'the gate shown': (d) => d.node('Mul', [half(d, d.x), d.shown(one(d, erf(d)))]),
    'the gate quantized': (d) => d.node('Mul', [half(d, d.x), d.quantized(one(d, erf(d)))]),
    'the gate read elsewhere': (d) => {
      const gate = one(d, erf(d));
      return d.node('Sub', [d.node('Mul', [half(d, d.x), gate]), gate]);
    },
  });

  test('which of the two it was is kept', () => {
    const graph = canonicalize(written((d) => d.node('Mul', [half(d, d.x), one(d, erf(d))])));
    expect([...graph.nodes.values()][0]).toMatchObject({ op: 'Gelu', inputs: ['x'], attrs: { approximate: false } });
  });
});

describe('Softmax', () => {
  const over = (d: Draft, op: string, y: string): string => d.node(op, [y, d.list(-1)], { keep_dims: true });
  becomes(['Softmax'], {
    'exp(x − max) / Σ'(d) {
      const exponentials = d.node('Exp', [d.node('Sub', [d.x, over(d, 'Max', d.x)])]);
      return d.node('RealDiv', [exponentials, over(d, 'Sum', exponentials)]);
    },
    'a tiny number added to all': (d) => d.node('Softmax', [d.node('AddV2', [d.x, d.scalar(1e-9)])]),
  });
});

describe('almost Softmax', () => {
  const over = (d: Draft, op: string, y: string, axis = -1): string =>
    d.node(op, [y, d.list(axis)], { keep_dims: true });
  neverBecomes('Softmax', {
    'the sum over another axis'(d) {
      const exponentials = d.node('Exp', [d.node('Sub', [d.x, over(d, 'Max', d.x)])]);
      return d.node('RealDiv', [exponentials, over(d, 'Sum', exponentials, 1)]);
    },
    'the maximum of something else'(d) {
      const exponentials = d.node('Exp', [d.node('Sub', [d.x, over(d, 'Max', d.node('Tanh', [d.x]))])]);
      return d.node('RealDiv', [exponentials, over(d, 'Sum', exponentials)]);
    },
  });
});

describe('MatMul, BiasAdd and an activation', () => {
  const fused = (ops: readonly string[]): Readonly<Record<string, Attr>> => ({
    fused_ops: { raw: { list: { s: ops.map((op) => btoa(op)) } } },
    num_args: ops.includes('BiasAdd') ? 1 : 0,
  });
  const flat = (d: Draft): string => d.node('Reshape', [d.x, d.list(-1, 8)]);
  const back = (d: Draft, y: string, size: number): string => d.node('Reshape', [y, d.list(-1, 5, size)]);
  becomes(['MatMul'], {
    'a batched product': (d) => d.node('BatchMatMulV2', [d.x, d.floats(8, 3)], { adj_x: false, adj_y: false }),
    'a batched product with the transposed weight': (d) =>
      d.node('BatchMatMulV2', [d.x, d.floats(3, 8)], { adj_x: false, adj_y: true }),
    'a flattened product': (d) => back(d, d.node('MatMul', [flat(d), d.floats(8, 3)]), 3),
    'a flattened product with the transposed weight': (d) =>
      back(d, d.node('MatMul', [flat(d), d.floats(3, 8)], { transpose_a: false, transpose_b: true }), 3),
    'a fused product with nothing fused': (d) =>
      back(d, d.node('_FusedMatMul', [flat(d), d.floats(8, 3)], fused([])), 3),
    'Einsum abc,cd→abd': (d) => d.node('Einsum', [d.x, d.floats(8, 3)], { equation: 'abc,cd->abd' }),
    'Einsum with the weight first and transposed': (d) =>
      d.node('Einsum', [d.floats(3, 8), d.x], { equation: 'dc,abc->abd' }),
    'tensordot, its shapes computed'(d) {
      const shape = d.node('Shape', [d.x]);
      const pick = (...axes: number[]): string => d.node('GatherV2', [shape, d.list(...axes), d.list(0)]);
      const rows = d.node('Prod', [pick(0, 1), d.list(0)]);
      const target = d.node('Pack', [rows, d.node('Prod', [pick(2), d.list(0)])]);
      const moved = d.node('Transpose', [d.x, d.list(0, 1, 2)]);
      const product = d.node('MatMul', [d.node('Reshape', [moved, target]), d.floats(8, 3)]);
      return d.node('Reshape', [product, d.node('ConcatV2', [pick(0, 1), d.list(3), d.list(0)])]);
    },
  });
  becomes(['CqFakeQuantize', 'MatMul'], {
    'a transposed weight that is quantized, which stays as it lies': (d) =>
      d.node('BatchMatMulV2', [d.x, d.quantized(d.floats(3, 8))], { adj_x: false, adj_y: true }),
  });
  becomes(['MatMul', 'BiasAdd'], {
    'a sum with a vector': (d) => d.node('AddV2', [d.floats(3), d.node('BatchMatMulV2', [d.x, d.floats(8, 3)])]),
    'a sum with a vector of three axes': (d) =>
      d.node('AddV2', [d.node('BatchMatMulV2', [d.x, d.floats(8, 3)]), d.floats(1, 1, 3)]),
    'fused, flattened': (d) =>
      back(d, d.node('_FusedMatMul', [flat(d), d.floats(8, 3), d.floats(3)], fused(['BiasAdd'])), 3),
    'the bias behind the last Reshape': (d) =>
      d.node('BiasAdd', [back(d, d.node('MatMul', [flat(d), d.floats(8, 3)]), 3), d.floats(3)], {
        data_format: 'NHWC',
      }),
  });
  becomes(['MatMul', 'BiasAdd', 'Relu'], {
    'all three fused': (d) =>
      back(d, d.node('_FusedMatMul', [flat(d), d.floats(8, 3), d.floats(3)], fused(['BiasAdd', 'Relu'])), 3),
  });
  becomes(['MatMul', 'BiasAdd', 'LeakyRelu'], {
    'an activation with a slope'(d) {
      const attrs = { ...fused(['BiasAdd', 'LeakyRelu']), leakyrelu_alpha: 0.25 };
      return back(d, d.node('_FusedMatMul', [flat(d), d.floats(8, 3), d.floats(3)], attrs), 3);
    },
  });
  becomes(['MatMul', 'Reshape'], {
    'a flattened product whose outputs are split': (d) =>
      d.node('Reshape', [d.node('MatMul', [flat(d), d.floats(8, 6)]), d.list(-1, 5, 2, 3)]),
    'Einsum abc,cde→abde': (d) => d.node('Einsum', [d.x, d.floats(8, 2, 3)], { equation: 'abc,cde->abde' }),
  });
  becomes(['MatMul', 'BiasAdd', 'Reshape'], {
    'a bias of two axes behind the split': (d) =>
      d.node('AddV2', [d.node('Einsum', [d.x, d.floats(8, 2, 3)], { equation: 'abc,cde->abde' }), d.floats(2, 3)]),
  });
  becomes(['MatMul', 'BiasAdd', 'MatMul', 'BiasAdd', 'AddV2'], {
    'two layers flattened once, the first Reshape shared'(d) {
      const rows = flat(d);
      const layer = (): string =>
        d.node('AddV2', [d.node('MatMul', [rows, d.floats(8, 8)], { transpose_b: true }), d.floats(8)]);
      return d.node('AddV2', [back(d, layer(), 8), back(d, layer(), 8)]);
    },
  });
});

describe('almost MatMul and BiasAdd', () => {
  neverBecomes('MatMul', {
    'two activations': (d) => d.node('BatchMatMulV2', [d.x, d.x], { adj_x: false, adj_y: true }),
    'the left operand transposed': (d) => d.node('BatchMatMulV2', [d.x, d.floats(5, 3)], { adj_x: true, adj_y: false }),
    'a weight of three axes': (d) => d.node('BatchMatMulV2', [d.x, d.floats(1, 8, 3)]),
    'Einsum over two axes': (d) => d.node('Einsum', [d.x, d.floats(8, 3)], { equation: 'abc,cd->adb' }),
  });
  const product = (d: Draft): string => d.node('MatMul', [d.x, d.floats(8, 3)]);
  neverBecomes('BiasAdd', {
    'a sum with a scalar': (d) => d.node('AddV2', [product(d), d.scalar(2)]),
    'a sum with one value for all': (d) => d.node('AddV2', [product(d), d.floats(1)]),
    'a sum with a value a row': (d) => d.node('AddV2', [product(d), d.floats(5, 1)]),
    'a sum with a matrix': (d) => d.node('AddV2', [product(d), d.floats(5, 3)]),
    'a sum without a product': (d) => d.node('AddV2', [d.x, d.floats(8)]),
  });
  becomes(['MatMul', 'CqFakeQuantize', 'BiasAdd'], {
    'a sum behind a quantizer keeps it': (d) => d.node('AddV2', [d.quantized(product(d)), d.floats(3)]),
  });
  const flat = (d: Draft): string => d.node('Reshape', [d.x, d.list(-1, 8)]);
  const layer = (d: Draft): string => d.node('MatMul', [flat(d), d.floats(8, 8)]);
  const back = (d: Draft, y: string): string => d.node('Reshape', [y, d.list(-1, 5, 8)]);
  becomes(['Reshape', 'MatMul', 'Reshape'], {
    'a flattened product that is shown': (d) => back(d, d.shown(layer(d))),
    'rows of another length': (d) =>
      d.node('Reshape', [
        d.node('MatMul', [d.node('Reshape', [d.x, d.list(-1, 4)]), d.floats(4, 4)]),
        d.list(-1, 5, 8),
      ]),
  });
  becomes(['Reshape', 'MatMul', 'CqFakeQuantize', 'Reshape'], {
    'a flattened product that is quantized': (d) => back(d, d.quantized(layer(d))),
  });
  becomes(['Reshape', 'MatMul', 'AddV2', 'Reshape'], {
    'a sum with a matrix of all rows': (d) => back(d, d.node('AddV2', [layer(d), d.floats(10, 8)])),
  });
  becomes(['MatMul', 'Reshape'], {
    'rows that come back as others': (d) => d.node('Reshape', [layer(d), d.list(5, -1, 8)]),
  });
});

describe('attention', () => {
  const dense = (d: Draft, x = d.x, columns = 8): string => d.node('MatMul', [x, d.floats(8, columns)]);
  const split = (d: Draft, y: string, target = d.list(-1, 5, 2, 4)): string => d.node('Reshape', [y, target]);
  const turn = (d: Draft, y: string, ...order: number[]): string => d.node('Transpose', [y, d.list(...order)]);
  const heads = (d: Draft, y = dense(d)): string => turn(d, split(d, y), 0, 2, 1, 3);
  const times = (d: Draft, y: string, factor = 0.5): string => d.node('Mul', [y, d.scalar(factor)]);
  const product = (d: Draft, q: string, k: string, adj_y = true): string =>
    d.node('BatchMatMulV2', [q, k], { adj_x: false, adj_y });
  const logits = ['MatMul', 'MatMul', 'AttentionLogits'];
  becomes(logits, {
    'no factor': (d) => product(d, heads(d), heads(d)),
    'a factor behind the product': (d) => times(d, product(d, heads(d), heads(d))),
    'a divisor behind the product': (d) => d.node('RealDiv', [product(d, heads(d), heads(d)), d.scalar(2)]),
    'a factor on queries before the split': (d) => product(d, heads(d, times(d, dense(d))), heads(d)),
    'a factor on queries behind the split': (d) =>
      product(d, turn(d, times(d, split(d, dense(d))), 0, 2, 1, 3), heads(d)),
    'a factor on queries and keys': (d) =>
      product(d, times(d, heads(d), Math.SQRT1_2), times(d, heads(d), Math.SQRT1_2)),
    'keys transposed for a plain product': (d) =>
      times(d, product(d, heads(d), turn(d, split(d, dense(d)), 0, 2, 3, 1), false)),
    'keys transposed twice': (d) => times(d, product(d, heads(d), turn(d, heads(d), 0, 1, 3, 2), false)),
    'a target that is computed'(d) {
      const computed = (): string => {
        const y = dense(d);
        const batch = d.node('StridedSlice', [d.node('Shape', [y]), d.list(0), d.list(1), d.list(1)], {
          shrink_axis_mask: 1,
        });
        const [tokens, count, depth] = [5, 2, 4].map((size) => d.node('Squeeze', [d.list(size)]));
        const target = d.node('Pack', [batch, tokens!, count!, depth!], { N: 4, axis: 0 });
        return turn(d, split(d, y, target), 0, 2, 1, 3);
      };
      return times(d, product(d, computed(), computed()));
    },
  });

  test('the factor is one float32, wherever it stood', () => {
    const factorOf = (form: Form): unknown =>
      [...canonicalize(written(form)).nodes.values()].find(({ op }) => op === 'AttentionLogits')!.attrs;
    // depth 3: neither the factor nor the divisor is exact
    const three = (d: Draft): string => turn(d, split(d, dense(d, d.x, 6), d.list(-1, 5, 2, 3)), 0, 2, 1, 3);
    const attrs = { heads: 2, depth: 3, tokens: 5, factor: Math.fround(1 / Math.sqrt(3)) };
    const root = Math.pow(3, -0.25);
    expect(factorOf((d) => times(d, product(d, three(d), three(d)), 1 / Math.sqrt(3)))).toEqual(attrs);
    expect(factorOf((d) => product(d, times(d, three(d), root), times(d, three(d), root)))).toEqual(attrs);
    const divided: Form = (d) => d.node('RealDiv', [product(d, three(d), three(d)), d.scalar(Math.sqrt(3))]);
    expect(factorOf(divided)).toEqual(attrs);
  });

  const probabilities = (d: Draft): string => d.node('Softmax', [product(d, heads(d, d.x), heads(d, d.x))]);
  const context = (d: Draft): string => turn(d, product(d, probabilities(d), heads(d, d.x), false), 0, 2, 1, 3);
  becomes(['AttentionLogits', 'Softmax', 'AttentionContext'], {
    'heads merged': (d) => d.node('Reshape', [context(d), d.list(-1, 5, 8)]),
    'heads merged, the batch computed'(d) {
      const y = context(d);
      const batch = d.node('StridedSlice', [d.node('Shape', [d.x]), d.list(0), d.list(1), d.list(1)], {
        shrink_axis_mask: 1,
      });
      const [tokens, width] = [5, 8].map((size) => d.node('Squeeze', [d.list(size)]));
      return d.node('Reshape', [y, d.node('Pack', [batch, tokens!, width!])]);
    },
  });
  becomes(['AttentionLogits', 'Softmax', 'AttentionContext', 'MatMul', 'BiasAdd'], {
    'heads and tokens merged for a flattened layer'(d) {
      const rows = d.node('Reshape', [context(d), d.list(-1, 8)]);
      const layer = d.node('AddV2', [d.node('MatMul', [rows, d.floats(8, 8)]), d.floats(8)]);
      return d.node('Reshape', [layer, d.list(-1, 5, 8)]);
    },
  });
  const projected = ['MatMul', 'BiasAdd'];
  becomes([...projected, ...projected, 'AttentionLogits', 'Softmax', ...projected, 'AttentionContext', ...projected], {
    'all by Einsum'(d) {
      const by = (equation: string, a: string, b: string): string => d.node('Einsum', [a, b], { equation });
      const project = (): string => d.node('AddV2', [by('abc,cde->abde', d.x, d.floats(8, 2, 4)), d.floats(2, 4)]);
      const q = times(d, project());
      const p = d.node('Softmax', [by('aecd,abcd->acbe', project(), q)]);
      const merged = by('acbe,aecd->abcd', p, project());
      return d.node('AddV2', [by('abcd,cde->abe', merged, d.floats(2, 4, 8)), d.floats(8)]);
    },
  });
});

describe('almost attention', () => {
  const turn = (d: Draft, y: string, ...order: number[]): string => d.node('Transpose', [y, d.list(...order)]);
  const split = (d: Draft, count = 2): string => d.node('Reshape', [d.x, d.list(-1, 5, count, 8 / count)]);
  const heads = (d: Draft): string => turn(d, split(d), 0, 2, 1, 3);
  const product = (d: Draft, q: string, k: string, adj_y = true): string =>
    d.node('BatchMatMulV2', [q, k], { adj_x: false, adj_y });
  neverBecomes('AttentionLogits', {
    'heads and depth swapped': (d) => product(d, turn(d, split(d), 0, 3, 1, 2), turn(d, split(d), 0, 3, 1, 2)),
    'keys of other heads': (d) => product(d, heads(d), turn(d, split(d, 4), 0, 3, 1, 2)),
    'keys transposed without need': (d) => product(d, turn(d, split(d), 0, 2, 3, 1), turn(d, split(d), 0, 2, 3, 1)),
    'queries shown between': (d) => product(d, d.shown(heads(d)), heads(d)),
    'queries quantized between': (d) => product(d, d.quantized(heads(d)), heads(d)),
    'heads of the channels in the middle': (d) =>
      product(d, d.node('Reshape', [d.x, d.list(-1, 2, 5, 4)]), d.node('Reshape', [d.x, d.list(-1, 2, 5, 4)])),
  });
  becomes(['AttentionLogits', 'CqFakeQuantize', 'Mul'], {
    'a factor behind a quantizer stays': (d) =>
      d.node('Mul', [d.quantized(product(d, heads(d), heads(d))), d.scalar(0.5)]),
  });
  becomes(['AttentionLogits', 'Mul'], {
    'a product shown before its factor': (d) => d.node('Mul', [d.shown(product(d, heads(d), heads(d))), d.scalar(0.5)]),
    'a factor for every head': (d) => d.node('Mul', [product(d, heads(d), heads(d)), d.floats(2, 1, 1)]),
  });
  const probabilities = (d: Draft): string => d.node('Softmax', [product(d, heads(d), heads(d))]);
  neverBecomes('AttentionContext', {
    'heads merged in another order': (d) =>
      d.node('Reshape', [turn(d, product(d, probabilities(d), heads(d), false), 0, 2, 3, 1), d.list(-1, 5, 8)]),
    'heads not transposed back': (d) =>
      d.node('Reshape', [product(d, probabilities(d), heads(d), false), d.list(-1, 5, 8)]),
    'the context shown before it is merged': (d) =>
      d.node('Reshape', [
        d.shown(turn(d, product(d, probabilities(d), heads(d), false), 0, 2, 1, 3)),
        d.list(-1, 5, 8),
      ]),
    'the context quantized before it is merged': (d) =>
      d.node('Reshape', [
        turn(d, d.quantized(product(d, probabilities(d), heads(d), false)), 0, 2, 1, 3),
        d.list(-1, 5, 8),
      ]),
    'tokens merged with the channels': (d) =>
      d.node('Reshape', [turn(d, product(d, probabilities(d), heads(d), false), 0, 2, 1, 3), d.list(-1, 40)]),
  });
});

describe('patches', () => {
  const strides = [1, 2, 2, 1];
  const valid = { strides, padding: 'VALID', data_format: 'NHWC', dilations: [1, 1, 1, 1] };
  const turn = (d: Draft, y: string, ...order: number[]): string => d.node('Transpose', [y, d.list(...order)]);
  const last = (d: Draft): string => turn(d, d.image, 0, 2, 3, 1);
  const flat = (d: Draft, y: string): string => d.node('Reshape', [y, d.list(-1, 6, 7)]);
  becomes(['Patches'], {
    'a grid, ordered and merged'(d) {
      const grid = d.node('Reshape', [d.image, d.list(-1, 3, 2, 2, 3, 2)]);
      return d.node('Reshape', [turn(d, grid, 0, 2, 4, 1, 3, 5), d.list(-1, 6, 12)]);
    },
  });
  becomes(['Patches', 'MatMul'], {
    'a convolution': (d) => flat(d, d.node('Conv2D', [last(d), d.floats(2, 2, 3, 7)], valid)),
    'a convolution padded by nothing': (d) =>
      flat(d, d.node('Conv2D', [last(d), d.floats(2, 2, 3, 7)], { ...valid, padding: 'SAME' })),
  });
  becomes(['Patches', 'MatMul', 'BiasAdd'], {
    'a convolution and its bias': (d) =>
      flat(d, d.node('BiasAdd', [d.node('Conv2D', [last(d), d.floats(2, 2, 3, 7)], valid), d.floats(7)])),
    'a convolution and a sum with a vector of four axes': (d) =>
      flat(d, d.node('AddV2', [d.floats(1, 1, 1, 7), d.node('Conv2D', [last(d), d.floats(2, 2, 3, 7)], valid)])),
    'a fused convolution': (d) =>
      flat(
        d,
        d.node('_FusedConv2D', [last(d), d.floats(2, 2, 3, 7), d.floats(7)], {
          ...valid,
          fused_ops: { raw: { list: { s: [btoa('BiasAdd')] } } },
          num_args: 1,
        }),
      ),
    'a convolution whose channels go first and last again'(d) {
      const biased = d.node('BiasAdd', [d.node('Conv2D', [last(d), d.floats(2, 2, 3, 7)], valid), d.floats(7)]);
      return turn(d, d.node('Reshape', [turn(d, biased, 0, 3, 1, 2), d.list(-1, 7, 6)]), 0, 2, 1);
    },
  });
  becomes(['Reshape', 'Relu', 'Transpose', 'Patches', 'MatMul'], {
    'an image whose channels stand last'(d) {
      const image = d.node('Relu', [d.node('Reshape', [d.image, d.list(-1, 4, 6, 3)])]);
      return flat(d, d.node('Conv2D', [image, d.floats(2, 2, 3, 7)], valid));
    },
  });
});

describe('almost patches', () => {
  const turn = (d: Draft, y: string, ...order: number[]): string => d.node('Transpose', [y, d.list(...order)]);
  const grid = (d: Draft): string => d.node('Reshape', [d.image, d.list(-1, 3, 2, 2, 3, 2)]);
  const merged = (d: Draft, y: string): string => d.node('Reshape', [y, d.list(-1, 6, 12)]);
  const convolution = (d: Draft, attrs: Readonly<Record<string, Attr>>, kernel = d.floats(2, 2, 3, 7)): string =>
    d.node('Conv2D', [turn(d, d.image, 0, 2, 3, 1), kernel], {
      ...{ strides: [1, 2, 2, 1], padding: 'VALID', data_format: 'NHWC', dilations: [1, 1, 1, 1] },
      ...attrs,
    });
  neverBecomes('Patches', {
    'pixels before channels': (d) => merged(d, turn(d, grid(d), 0, 2, 4, 3, 5, 1)),
    'patches that are not square': (d) =>
      d.node('Reshape', [
        turn(d, d.node('Reshape', [d.image, d.list(-1, 3, 2, 2, 2, 3)]), 0, 2, 4, 1, 3, 5),
        d.list(-1, 4, 18),
      ]),
    'the grid shown': (d) => merged(d, turn(d, d.shown(grid(d)), 0, 2, 4, 1, 3, 5)),
    'patches that overlap': (d) => d.node('Reshape', [convolution(d, { strides: [1, 1, 1, 1] }), d.list(-1, 15, 7)]),
    'patches with gaps': (d) => d.node('Reshape', [convolution(d, {}, d.floats(1, 1, 3, 7)), d.list(-1, 6, 7)]),
    'a patch that runs over the edge': (d) =>
      d.node('Reshape', [
        convolution(d, { strides: [1, 3, 3, 1], padding: 'SAME' }, d.floats(3, 3, 3, 7)),
        d.list(-1, 4, 7),
      ]),
    'a quantized kernel': (d) =>
      d.node('Reshape', [convolution(d, {}, d.quantized(d.floats(2, 2, 3, 7))), d.list(-1, 6, 7)]),
    'one bias for all': (d) =>
      d.node('Reshape', [d.node('AddV2', [convolution(d, {}), d.floats(1)]), d.list(-1, 6, 7)]),
    'a convolution that keeps its rows': (d) => d.node('Relu', [convolution(d, {})]),
  });
});

describe('a class token', () => {
  neverBecomes('Pad', {
    'behind the others': (d) =>
      d.node('AddV2', [
        d.node('ConcatV2', [d.x, d.node('BroadcastTo', [d.floats(1, 1, 8), d.list(2, 1, 8)]), d.list(1)], { N: 2 }),
        d.floats(1, 6, 8),
      ]),
    'along the channels': (d) =>
      d.node('AddV2', [
        d.node('ConcatV2', [d.node('BroadcastTo', [d.floats(1, 5, 1), d.list(2, 5, 1)]), d.x, d.list(2)], { N: 2 }),
        d.floats(1, 5, 9),
      ]),
    'without positions to add it to': (d) =>
      d.node('Relu', [
        d.node('ConcatV2', [d.node('BroadcastTo', [d.floats(1, 1, 8), d.list(2, 1, 8)]), d.x, d.list(1)], { N: 2 }),
      ]),
  });

  becomes(['Pad', 'AddV2'], {
    'tiled along the batch'(d) {
      const batch = d.node('StridedSlice', [d.node('Shape', [d.x]), d.list(0), d.list(1), d.list(1)], {
        shrink_axis_mask: 1,
      });
      const ones = [1, 1].map((size) => d.node('Squeeze', [d.list(size)]));
      const tiled = d.node('Tile', [d.floats(1, 1, 8), d.node('Pack', [batch, ...ones])]);
      return d.node('AddV2', [d.node('ConcatV2', [tiled, d.x, d.list(1)], { N: 2 }), d.floats(1, 6, 8)]);
    },
    'broadcast along the batch, two of them'(d) {
      const shaped = (): string => d.node('BroadcastTo', [d.floats(1, 1, 8), d.list(2, 1, 8)]);
      return d.node('AddV2', [d.floats(7, 8), d.node('ConcatV2', [shaped(), shaped(), d.x, d.list(1)], { N: 3 })]);
    },
  });
});
