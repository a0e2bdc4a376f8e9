import { quantizableWeights, quantizerOf, roles, weightOf, type Graph, type Node, type Role } from '@cq/core';

/** What gets a quantizer: an activation by its role, the weight of a product, or a table that rows are taken from. */
export type Site =
  | { readonly kind: 'activation'; readonly value: string; readonly role: Role }
  | { readonly kind: 'weight'; readonly value: string; readonly product: string }
  | { readonly kind: 'table'; readonly value: string };

export type Activation = Extract<Site, { kind: 'activation' }>;
export type WeightSite = Extract<Site, { kind: 'weight' }>;

/** All that could get a quantizer, were all weights to have one. */
export function candidates(graph: Graph): readonly string[] {
  const weights = quantizableWeights(graph);
  return [...weights, ...roles(graph, (weight) => weights.includes(weight)).keys()];
}

/** What gets one, in network order, the steps of it that do not depend on each other together. */
export function sitesInOrder(graph: Graph, selected: ReadonlySet<string>): readonly (readonly Site[])[] {
  const free = (value: string): boolean => selected.has(value) && !quantizerOf(graph, value);
  const weights = new Set(quantizableWeights(graph).filter(free));
  const found = roles(graph, (weight) => weights.has(weight) || quantizerOf(graph, weight) !== undefined);
  const steps: Site[][] = [];
  const depths = new Map<string, number>();
  const depend = new Set<string>();
  const add = (site: Site, step: number): number => {
    (steps[step] ??= []).push(site);
    return step + 1;
  };
  for (const { name } of graph.inputs) {
    const role = found.get(name);
    depths.set(name, role && free(name) ? add({ kind: 'activation', value: name, role }, 0) : 0);
  }
  for (const node of graph.nodes.values()) {
    const { name, op, inputs } = node;
    let depth = Math.max(0, ...inputs.map((input) => depths.get(input) ?? 0));
    const weight = readWeight(graph, node);
    if (op === 'MatMul' || inputs.some((input) => depend.has(input))) depend.add(name);
    if (weight !== undefined && weights.delete(weight)) {
      const kind = op === 'MatMul' ? 'weight' : 'table';
      depth = add({ kind, value: weight, product: name }, depth);
    }
    const role = found.get(name);
    // Rows of tables are added in float, in front of the first quantizer.
    if (role && free(name) && (role !== 'stream' || depend.has(name))) {
      depth = add({ kind: 'activation', value: name, role }, depth);
    }
    depths.set(name, depth);
  }
  return steps.filter((step) => step !== undefined);
}

function readWeight(graph: Graph, { op, inputs }: Node): string | undefined {
  return weightOf(graph, op === 'MatMul' ? inputs[1] : op === 'GatherV2' ? inputs[0] : undefined)?.name;
}
