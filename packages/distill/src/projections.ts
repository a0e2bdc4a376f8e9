import { edit, freeName, randomOf, type Graph, type Node, type Weight } from '@cq/core';
import { gaussian } from './gaussian.ts';
import type { ValuePair } from './layer-pairs.ts';

export interface Projected {
  /** The student with a product behind each value whose channels the teacher's are not as many as. */
  readonly graph: Graph;
  /** The pairs, in which such a value is replaced by that product. */
  readonly pairs: readonly ValuePair[];
  /** The matrices, to be learned with the rest and left away afterwards. */
  readonly weights: readonly string[];
}

/** x ─► MatMul(projection): [.., own channels] → [.., the teacher's], where these differ. Source: TinyBERT, eq. 8. */
export function project(
  graph: Graph,
  pairs: readonly ValuePair[],
  channels: (pair: ValuePair) => readonly [own: number, teacher: number],
  seed: number,
): Projected {
  const nodes: Node[] = [];
  const weights: Weight[] = [];
  const projected = pairs.map((pair, i): ValuePair => {
    const [own, wanted] = channels(pair);
    if (own === wanted) return pair;
    const name = freeName(graph, `distill/projection${i}`);
    const data = gaussian(own * wanted, 1 / Math.sqrt(own), randomOf(seed, 3, i));
    weights.push({ name: `${name}/matrix`, dtype: 'float32', shape: [own, wanted], data });
    nodes.push({ name, op: 'MatMul', inputs: [pair.student, `${name}/matrix`], attrs: {} });
    return { ...pair, student: name };
  });
  return {
    graph: nodes.length === 0 ? graph : edit(graph, { nodes, weights }),
    pairs: projected,
    weights: weights.map(({ name }) => name),
  };
}
