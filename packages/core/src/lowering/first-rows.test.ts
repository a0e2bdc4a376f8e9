import '@tensorflow/tfjs-backend-cpu';
import { build, compress, executor, lower, quantizeWeights, type ArrayTensor, type Graph } from '../index.ts';

const [ROWS, COLUMNS] = [6, 4];

/** As many rows of a table as `x` has columns, or two; added to zeros, so that the output shows them. */
function tableRows(counted: boolean): Graph {
  const b = build();
  const x = b.input('x', 'float32', [-1, -1]);
  const integers = (name: string, values: readonly number[], shape: readonly number[] = [values.length]): string =>
    b.weight(name, shape, Int32Array.from(values));
  const table = b.weight(
    'table',
    [ROWS, COLUMNS],
    Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => Math.sin(i + 1) * (1 + Math.floor(i / COLUMNS))),
  );
  const bounds = [1, 2, 1].map((value, i) => integers(`bound${i}`, [value]));
  const shape = b.node('shape', 'Shape', [x]);
  const tokens = b.node('tokens', 'StridedSlice', [shape, ...bounds], { shrink_axis_mask: 1 });
  const size = counted
    ? b.node('size', 'Pack', [tokens, integers('columns', [-1], [])], { axis: 0 })
    : integers('size', [2, -1]);
  const rows = b.node('rows', 'Slice', [table, integers('begin', [0, 0]), size]);
  b.output('y', b.node('y', 'AddV2', [rows, b.weight('zeros', [COLUMNS], new Float32Array(COLUMNS))]), [-1, COLUMNS]);
  return b.graph();
}

function run(graph: Graph, columns: number): readonly number[] {
  const model = executor(graph);
  const x: ArrayTensor = { dtype: 'float32', shape: [1, columns], data: new Float32Array(columns) };
  const [y] = model.run({ x });
  const values = [...y!.dataSync()];
  y!.dispose();
  model.dispose();
  return values;
}

test.each([
  [true, 1],
  [true, 3],
  [true, ROWS],
  [false, 5],
])('the first rows of a table are looked up as codes (counted: %j, %i columns)', async (counted, columns) => {
  const { graph } = await compress(tableRows(counted), [quantizeWeights()]);
  const { graph: lowered } = lower(graph);
  expect([...lowered.nodes.values()].map(({ op }) => op)).toContain('CqEmbedding');
  expect(lowered.weights.has('table')).toBe(false);
  expect(run(lowered, columns)).toEqual(run(graph, columns));
  expect(run(lowered, columns)).toHaveLength((counted ? columns : 2) * COLUMNS);
});

test('a table without codes stays as it is', () => {
  expect([...lower(tableRows(true)).graph.nodes.values()].map(({ op }) => op)).not.toContain('CqEmbedding');
});
