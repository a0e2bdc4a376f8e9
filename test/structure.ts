import { createHash } from 'node:crypto';
import { producerOf, type Graph } from '@cq/core';

/**
 * What is left of a graph without its names: a digest for every node, of its op, its attributes, and what it reads down
 * to the bytes of the weights; sorted, and followed by what the outputs show. Two graphs with one structure are isomorphic
 * up to copies of equal weights and the order of summands and factors.
 */
export function structureOf(graph: Graph): readonly string[] {
  const digests = new Map<string, string>();
  for (const { name, dtype, shape } of graph.inputs)
    digests.set(name, digest(`input ${name} ${dtype} [${shape.join()}]`));
  for (const { name, dtype, shape, data } of graph.weights.values()) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
    digests.set(name, digest(`${dtype} [${shape.join()}] ${bytes}`));
  }
  const nodes: string[] = [];
  for (const { name, op, inputs, attrs } of graph.nodes.values()) {
    const read = inputs.map((input) => digests.get(producerOf(input))! + input.slice(producerOf(input).length));
    if (op === 'AddV2' || op === 'Mul') read.sort();
    const sorted = Object.entries(attrs).sort(([a], [b]) => (a < b ? -1 : 1));
    const hash = digest(`${op} ${JSON.stringify(sorted)} ${read.join()}`);
    digests.set(name, hash);
    nodes.push(`${op} ${hash}`);
  }
  const outputs = graph.outputs.map(({ name, value, shape }) => `${name} [${shape.join()}] ${digests.get(value)!}`);
  return [...nodes.sort(), ...outputs];
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
