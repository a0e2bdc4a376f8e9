import {
  annotatedValue,
  edit,
  fakeQuantizeOf,
  quantizerOf,
  redirect,
  removeDead,
  withFakeQuantize,
  type Folded,
  type Graph,
} from '@cq/core';
import { foldNorm, type NormFold } from './fold-norm.ts';

/** What probabilities are multiplied by among some nodes → the probabilities. Names without annotations. */
export function valuesIn(graph: Graph, inside: ReadonlySet<string>): ReadonlyMap<string, string> {
  const contexts = [...graph.nodes.values()].filter(({ name, op }) => op === 'AttentionContext' && inside.has(name));
  return new Map(contexts.map(({ inputs }) => [annotatedValue(graph, inputs[1]!), annotatedValue(graph, inputs[0]!)]));
}

/**
 * As `foldNorm`, of an attention's values: the layer behind the attention takes the channels' scales and shifts. Codes of
 * probabilities, which sum to 1 but for their error, count as if they did; the shift leaves less for that error to move.
 */
export function foldValues(graph: Graph, values: string, probabilities: string, fold: NormFold): Folded {
  const quantizer = quantizerOf(graph, probabilities);
  const node = fakeQuantizeOf(graph, probabilities);
  if (!quantizer || !node) return foldNorm(graph, values, fold);
  const free = removeDead(edit(graph, { ...redirect(graph, node.name, node.inputs[0]!), remove: [node.name] }));
  const folded = foldNorm(free, values, fold);
  return 'reason' in folded ? folded : { graph: withFakeQuantize(folded.graph, probabilities, quantizer) };
}
