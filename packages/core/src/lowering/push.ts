import { fakeQuantizeOf, readQuantizer } from '../annotations.ts';
import { edit, freeName, redirect } from '../edit.ts';
import type { Graph, Node } from '../graph.ts';
import { onlyFeeds } from '../match.ts';
import { movedBy, sourceOf } from '../movements.ts';
import { codeScale } from './rule.ts';

/**
 * x ─► movement ─► quantize          becomes          x ─► quantize ─► movement
 *
 * A quantizer with one scale says the same on either side of a movement; it goes to where codes are made. What a ConcatV2
 * joins shares the quantizer that stood behind it.
 */
export function quantizersBeforeMovements(graph: Graph): Graph {
  for (;;) {
    const before = graph;
    for (const { name } of before.nodes.values()) {
      const quantize = graph.nodes.get(name);
      const movement = quantize?.op === 'CqFakeQuantize' ? graph.nodes.get(quantize.inputs[0]!) : undefined;
      if (quantize && movement && mayPass(graph, quantize, movement)) graph = pushed(graph, quantize, movement);
    }
    if (graph === before) return graph;
  }
}

function mayPass(graph: Graph, quantize: Node, movement: Node): boolean {
  const moved = movedBy(movement);
  const scale = codeScale(readQuantizer(graph, quantize));
  if (!moved || !scale || !onlyFeeds(graph, movement.name, quantize)) return false;
  if (movement.op === 'Pad' && scale.zeroPoint !== 0) return false;
  return moved.every((value) => !graph.weights.has(sourceOf(graph, value)) && !fakeQuantizeOf(graph, value));
}

function pushed(graph: Graph, quantize: Node, movement: Node): Graph {
  const names = new Map<string, string>();
  for (const value of movedBy(movement)!) {
    if (!names.has(value)) names.set(value, names.size === 0 ? quantize.name : freeName(graph, `${value}/quantize`));
  }
  const quantizers = [...names].map(([value, name]) => ({
    ...quantize,
    name,
    inputs: [value, ...quantize.inputs.slice(1)],
  }));
  const { nodes, outputs } = redirect(graph, quantize.name, movement.name);
  const inputs = movement.inputs.map((input) => names.get(input) ?? input);
  return edit(graph, { nodes: [...(nodes ?? []), ...quantizers, { ...movement, inputs }], outputs: outputs! });
}
