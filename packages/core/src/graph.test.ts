import { build, consumersOf, makeGraph, type Node } from './index.ts';

const node = (name: string, ...inputs: string[]): Node => ({ name, op: 'AddV2', inputs, attrs: {} });

test('nodes given in any order stand in topological order', () => {
  const graph = makeGraph({
    nodes: [node('c', 'a', 'b'), node('b', 'a', 'x'), node('a', 'x', 'x')],
    weights: [],
    inputs: [{ name: 'x', dtype: 'float32', shape: [1] }],
    outputs: [{ name: 'y', value: 'c', dtype: 'float32', shape: [1] }],
  });
  expect([...graph.nodes.keys()]).toEqual(['a', 'b', 'c']);
  expect(consumersOf(graph, 'a').map(({ name }) => name)).toEqual(['b', 'c']);
});

test.each([
  ['a cycle', [node('a', 'b'), node('b', 'a')], /cycles cannot run/],
  ['an input that is nowhere', [node('a', 'ghost')], /"a": input "ghost" does not exist/],
  ['a name used twice', [node('a', 'x'), node('a', 'x')], /"a": names must be unique/],
])('%s is refused', (_, nodes, message) => {
  expect(() =>
    makeGraph({ nodes, weights: [], inputs: [{ name: 'x', dtype: 'float32', shape: [1] }], outputs: [] }),
  ).toThrow(message);
});

test('a chain deeper than the call stack is sorted', () => {
  const nodes = Array.from({ length: 20_000 }, (_, i) => node(`n${i}`, i === 0 ? 'x' : `n${i - 1}`)).reverse();
  const graph = makeGraph({ nodes, weights: [], inputs: [{ name: 'x', dtype: 'float32', shape: [] }], outputs: [] });
  expect([...graph.nodes.keys()][0]).toBe('n0');
});

test('a weight whose length does not fit its shape is refused', () => {
  expect(() => build().weight('w', [2, 3], new Float32Array(5))).toThrow('build: "w": [2, 3] has 6 values, got 5');
});
