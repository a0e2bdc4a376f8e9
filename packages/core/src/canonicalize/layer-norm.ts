import type { Graph, Node } from '../graph.ts';
import { scalarOf, vectorOf } from './constant.ts';
import { both, find, hole, oneOf, op, overLastAxis, scalar, type Pattern } from './pattern.ts';
import { everywhere } from './rule.ts';
import { shapesOf } from './shapes.ts';

const x = hole('x');
const gamma = hole('gamma');
const beta = hole('beta');

const mean = overLastAxis('Mean', x);
const centred = op('Sub', x, mean);
const squares = oneOf(
  op('SquaredDifference', x, mean),
  op('Square', centred),
  op('Mul', centred, centred),
  op('Pow', centred, scalar(2)),
);
const shifted = op('AddV2', overLastAxis('Mean', squares), both(scalar(), hole('epsilon')));
const deviation = oneOf(op('Sqrt', shifted), op('Pow', shifted, scalar(0.5)));
const inverse = oneOf(
  op('Rsqrt', shifted),
  op('Pow', shifted, scalar(-0.5)),
  op('Reciprocal', deviation),
  op('RealDiv', scalar(1), deviation),
);

/** a · b · c however it is grouped */
const product = (a: Pattern, b: Pattern, c: Pattern): Pattern =>
  oneOf(op('Mul', op('Mul', a, b), c), op('Mul', op('Mul', a, c), b), op('Mul', a, op('Mul', b, c)));

const factor = oneOf(op('Mul', inverse, gamma), op('RealDiv', gamma, deviation));

const normalized = oneOf(
  // γ (x − μ) / √(σ² + ε) + β
  op(
    'AddV2',
    oneOf(
      product(centred, inverse, gamma),
      op('Mul', op('RealDiv', centred, deviation), gamma),
      op('RealDiv', op('Mul', centred, gamma), deviation),
      op('Mul', centred, op('RealDiv', gamma, deviation)),
    ),
    beta,
  ),
  // x f + (β − μ f) and (x f − μ f) + β with f = γ / √(σ² + ε), as for a batch norm
  op('AddV2', op('Mul', x, factor), op('Sub', beta, op('Mul', mean, factor))),
  op('AddV2', op('Sub', op('Mul', x, factor), op('Mul', mean, factor)), beta),
);

/**
 *     x ─┬─► Mean ─► Sub ─┬─► Square ─► Mean ─► AddV2 ε ─► Sqrt ─► RealDiv ─► Mul γ ─► AddV2 β
 *        └────────────► ──┘└──────────────────────────────────────────┘
 *
 * and its other spellings     become     x ─► LayerNorm {epsilon} ◄── γ, β
 */
export const layerNorm = everywhere((node, graph) => {
  const match = node.op === 'AddV2' ? find(graph, node, normalized) : undefined;
  if (!match) return undefined;
  const { values, inside } = match;
  const shape = shapesOf(graph).of(values.get('x'));
  const scale = vectorOf(graph, values.get('gamma')!, shape?.length);
  const offset = vectorOf(graph, values.get('beta')!, shape?.length);
  const width = shape?.at(-1) ?? -1;
  if (!scale || !offset || scale.length !== offset.length || (width >= 0 && width !== scale.length)) return undefined;
  const inputs = [values.get('x')!, scale.value, offset.value];
  return {
    nodes: [{ name: node.name, op: 'LayerNorm', inputs, attrs: { epsilon: epsilonOf(graph, values) } } satisfies Node],
    weights: [...scale.weights, ...offset.weights],
    inside,
  };
});

const epsilonOf = (graph: Graph, values: ReadonlyMap<string, string>): number =>
  scalarOf(graph, values.get('epsilon'))!;
