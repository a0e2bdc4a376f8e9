import { build, canonicalize, executor, type ArrayTensor, type Attr, type Graph } from '../index.ts';

/** A graph being written without names. */
export interface Draft {
  /** [batch, 5, 8] */
  readonly x: string;
  /** [batch, 3, 4, 6] */
  readonly image: string;
  /** [batch, tokens, 8] */
  readonly states: string;
  /** int32 [batch, tokens], below 6, and a mask for them */
  readonly ids: string;
  readonly mask: string;
  node(op: string, inputs: readonly string[], attrs?: Readonly<Record<string, Attr>>): string;
  scalar(value: number): string;
  integer(value: number): string;
  list(...values: readonly number[]): string;
  floats(...shape: readonly number[]): string;
  /** The value, quantized: a reader like any other. */
  quantized(value: string): string;
  /** Shows the value as an output of its own. */
  shown(value: string): string;
}

export type Form = (draft: Draft) => string;

export function written(form: Form): Graph {
  const b = build();
  let count = 0;
  const next = (): string => `n${count++}`;
  const draft: Draft = {
    x: b.input('x', 'float32', [-1, 5, 8]),
    image: b.input('image', 'float32', [-1, 3, 4, 6]),
    states: b.input('states', 'float32', [-1, -1, 8]),
    ids: b.input('ids', 'int32', [-1, -1]),
    mask: b.input('mask', 'int32', [-1, -1]),
    node: (op, inputs, attrs) => b.node(next(), op, inputs, attrs),
    scalar: (value) => b.weight(next(), [], Float32Array.of(value)),
    integer: (value) => b.weight(next(), [], Int32Array.of(value)),
    list: (...values) => b.weight(next(), [values.length], Int32Array.from(values)),
    floats(...shape) {
      const size = shape.reduce((product, length) => product * length, 1);
      return b.weight(
        next(),
        shape,
        Float32Array.from({ length: size }, (_, i) => Math.sin(i + count) / 2),
      );
    },
    quantized(value) {
      const attrs = { kind: 'uniform', bits: 8, signed: true, zero_point: [0], axis: -1 };
      return b.node(next(), 'CqFakeQuantize', [value, b.weight(next(), [1], Float32Array.of(1 / 16))], attrs);
    },
    shown(value) {
      b.output(next(), value, []);
      return value;
    },
  };
  const y = form(draft);
  b.output('y', y, []);
  return b.graph();
}

export const ops = (graph: Graph): string[] => [...graph.nodes.values()].map(({ op }) => op);

/** Shapes and values of all outputs, for two examples of three tokens. */
function values(graph: Graph): number[] {
  const model = executor(graph);
  const results = model.run({
    x: wave(2, 5, 8),
    image: wave(2, 3, 4, 6),
    states: wave(2, 3, 8),
    ids: { dtype: 'int32', shape: [2, 3], data: Int32Array.of(5, 0, 3, 2, 2, 1) },
    mask: { dtype: 'int32', shape: [2, 3], data: Int32Array.of(1, 1, 1, 1, 1, 0) },
  });
  const data = results.flatMap((result) => [...result.shape, ...result.dataSync()]);
  model.dispose();
  return data;
}

function wave(...shape: readonly number[]): ArrayTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return { dtype: 'float32', shape, data: Float32Array.from({ length: size }, (_, i) => 2 * Math.cos(3 * i)) };
}

/** Every form becomes these ops, in topological order, and computes what it did. */
export function becomes(expected: readonly string[], forms: Readonly<Record<string, Form>>): void {
  test.each(Object.entries(forms))('%s', (_, form) => {
    const graph = written(form);
    const canonical = canonicalize(graph);
    expect(ops(canonical)).toEqual(expected);
    expectSame(graph, canonical);
  });
}

/** No form becomes this op, and what becomes of it computes what it did. */
export function neverBecomes(op: string, forms: Readonly<Record<string, Form>>): void {
  test.each(Object.entries(forms))(`no ${op}: %s`, (_, form) => {
    const graph = written(form);
    const canonical = canonicalize(graph);
    expect(ops(canonical)).not.toContain(op);
    expectSame(graph, canonical);
  });
}

function expectSame(graph: Graph, canonical: Graph): void {
  expect(canonicalize(canonical)).toBe(canonical);
  const [before, after] = [values(graph), values(canonical)];
  expect(after.length).toBe(before.length);
  after.forEach((value, i) => expect(Math.abs(value - before[i]!)).toBeLessThan(1e-5));
}
