import { build, roles, type Builder, type Role } from './index.ts';

const weight = (b: Builder, name: string, ...shape: number[]): string =>
  b.weight(name, shape, new Float32Array(shape.reduce((product, size) => product * size, 1)));
const list = (b: Builder, name: string, ...values: number[]): string =>
  b.weight(name, [values.length], Int32Array.from(values));

/** The roles in a graph whose matrices are all quantized. */
function rolesOf(
  write: (b: Builder, x: string) => string,
  shape: readonly number[] = [-1, 6, 8],
): Record<string, Role> {
  const b = build();
  b.output('y', write(b, b.input('x', 'float32', shape)), [-1]);
  return Object.fromEntries(roles(b.graph(), () => true));
}

const linear = (b: Builder, name: string, x: string): string =>
  b.node(name, 'MatMul', [x, weight(b, `${name} w`, 8, 8)]);
const norm = (b: Builder, name: string, x: string): string =>
  b.node(name, 'LayerNorm', [x, weight(b, `${name} gamma`, 8), weight(b, `${name} beta`, 8)], { epsilon: 1e-6 });

test('movements hand a role on to the value they move', () => {
  const found = rolesOf((b, x) => {
    const picture = b.node('picture', 'Reshape', [norm(b, 'norm', x), list(b, 'sides', -1, 2, 3, 8)]);
    const [behind, front] = ['behind', 'front'].map((name) =>
      b.node(name, 'Slice', [picture, list(b, `${name} at`, 0, 0, 0, 0), list(b, `${name} size`, -1, 1, -1, -1)]),
    );
    const rolled = b.node('rolled', 'ConcatV2', [behind!, front!, b.weight('axis', [], Int32Array.of(1))]);
    return linear(b, 'y', b.node('tokens', 'Reshape', [rolled, list(b, 'back', -1, 6, 8)]));
  });
  expect(found).toEqual({ x: 'stream', norm: 'operand' });
});

test('what is padded with zeros on its way to a weight needs a zero point of 0', () => {
  const pad = (b: Builder, x: string): string =>
    b.node('padded', 'Pad', [x, b.weight('paddings', [3, 2], Int32Array.of(0, 0, 0, 1, 0, 0))]);
  expect(rolesOf((b, x) => linear(b, 'y', pad(b, x)))).toEqual({ x: 'factor' });
  expect(rolesOf((b, x) => norm(b, 'y', pad(b, x)))).toEqual({ x: 'stream' });
});

test('values that are joined share a quantizer behind the ConcatV2', () => {
  const found = rolesOf((b, x) => {
    const axis = b.weight('axis', [], Int32Array.of(1));
    return linear(b, 'y', b.node('joined', 'ConcatV2', [linear(b, 'first', x), norm(b, 'second', x), axis]));
  });
  expect(found).toEqual({ x: 'operand', joined: 'operand' });
});

test('a sum with a constant keeps what is added in codes, if something reads the sum in codes', () => {
  const sum = (b: Builder, value: string): string => b.node('sum', 'AddV2', [value, weight(b, 'positions', 1, 6, 8)]);
  expect(rolesOf((b, x) => norm(b, 'y', sum(b, linear(b, 'branch', x))))).toEqual({
    ...{ x: 'operand', branch: 'stream', sum: 'stream' },
  });
  expect(rolesOf((b, x) => sum(b, linear(b, 'branch', x)))).toEqual({ x: 'operand' });
  expect(rolesOf((b, x) => norm(b, 'y', sum(b, x)))).toEqual({ sum: 'stream' });
});

test('embedded patches stay accumulators: their positions belong to the kernel', () => {
  const found = rolesOf(
    (b, x) => {
      const patches = b.node('patches', 'Patches', [x], { size: 2, channels: 2, rows: 2, columns: 3 });
      const paddings = b.weight('paddings', [3, 2], Int32Array.of(0, 0, 1, 1, 0, 0));
      const padded = b.node('padded', 'Pad', [linear(b, 'product', patches), paddings]);
      return norm(b, 'y', b.node('sum', 'AddV2', [padded, weight(b, 'positions', 1, 8, 8)]));
    },
    [-1, 2, 4, 6],
  );
  expect(found).toEqual({ x: 'operand', sum: 'stream' });
});

test('a mean of tokens has codes if its reader does and they are not the wide ones of the stream', () => {
  const mean = (b: Builder, x: string): string => b.node('mean', 'Mean', [x, list(b, 'axes', 1)], { keep_dims: false });
  expect(rolesOf((b, x) => linear(b, 'y', mean(b, norm(b, 'norm', x))))).toEqual({
    ...{ x: 'stream', norm: 'operand', mean: 'operand' },
  });
  const wide = rolesOf((b, x) => {
    const stream = b.node('stream', 'AddV2', [linear(b, 'branch', x), x]);
    norm(b, 'norm', stream);
    return linear(b, 'y', mean(b, stream));
  });
  expect(wide).toMatchObject({ stream: 'stream', mean: 'operand' });
});

test('logits get their codes behind position biases and before masks', () => {
  const shape = { heads: 2, depth: 4, tokens: 6 };
  const found = rolesOf((b, x) => {
    const logits = b.node('logits', 'AttentionLogits', [x, x], { ...shape, factor: 0.5 });
    const placed = b.node('placed', 'AddV2', [logits, weight(b, 'bias', 2, 6, 6)]);
    const apart = b.node('apart', 'Reshape', [placed, list(b, 'split', -1, 3, 2, 6, 6)]);
    const mask = b.weight('mask', [3, 1, 6, 6], new Float32Array(108).fill(-100, 0, 5));
    const masked = b.node('masked', 'AddV2', [apart, mask]);
    const softmax = b.node('softmax', 'Softmax', [b.node('joined', 'Reshape', [masked, list(b, 'join', -1, 2, 6, 6)])]);
    return b.node('y', 'AttentionContext', [softmax, x], shape);
  });
  expect(found).toEqual({ x: 'factor', placed: 'logit', softmax: 'probability' });
});
