import { build, type Graph } from '@cq/core';
import { normal } from './normal.ts';

/** x [batch, 64] → 256 → GELU → y [batch, 16], with random weights. */
export function twoLayers(): Graph {
  const graph = build();
  const x = graph.input('x', 'float32', [-1, 64]);
  const hidden = graph.node('hidden/product', 'MatMul', [
    x,
    graph.weight('hidden/w', [64, 256], normal(64 * 256, 0.1, 1)),
  ]);
  const biased = graph.node('hidden', 'BiasAdd', [hidden, graph.weight('hidden/b', [256], normal(256, 0.1, 2))]);
  const active = graph.node('gelu', 'Gelu', [biased], { approximate: false });
  const output = graph.node('y/product', 'MatMul', [active, graph.weight('y/w', [256, 16], normal(256 * 16, 0.1, 3))]);
  graph.output('y', graph.node('y', 'BiasAdd', [output, graph.weight('y/b', [16], normal(16, 0.1, 4))]), [-1, 16]);
  return graph.graph();
}
