import { constantOperand, consumersOf, producerOf, weightOf, type Graph, type Node } from '@cq/core';

/** An axis of a weight. */
export interface Place {
  readonly weight: string;
  readonly axis: number;
}

/** An entry of an int32 constant that says how many channels a tensor has. */
export interface Count {
  readonly weight: string;
  readonly index: number;
}

/** All axes that have one size because the arithmetic demands it. */
export interface Width {
  readonly size: number;
  readonly places: readonly Place[];
  readonly counts: readonly Count[];
  /** Why no other size is possible, if so. */
  readonly fixed?: string;
}

/** The width of the last axis of each value. */
export interface Widths {
  /** undefined if no weight says how wide the value is. */
  of(value: string): Width | undefined;
  readonly all: readonly Width[];
}

/**
 * Which axes of a model's weights go together, by structure alone: what a product makes and a bias is added to, what a norm
 * scales and the next product reads. Axes are followed along the last axis of values; an op that is not known fixes the
 * widths of what it reads.
 */
export function widthsOf(graph: Graph): Widths {
  const sets = disjointSets();
  const last = (value: string): string => weightOf(graph, value)?.name ?? value;
  const axis = (weight: string, index: number): string => `${weight} ${index}`;
  const places = new Map<string, Place & { readonly size: number }>();
  const counts: [value: string, count: Count][] = [];
  const fixed = new Map<string, string>();
  const fix = (value: string, reason: string): void => void fixed.set(last(value), reason);

  /** The axis of a weight belongs to the width of a value. */
  const tie = (value: string, weight: string, index: number): void => {
    const size = graph.weights.get(weight)!.shape[index]!;
    places.set(axis(weight, index), { weight, axis: index, size });
    sets.join(last(value), axis(weight, index));
  };
  /** The last axis of a constant that is added, or scales. A single number goes with any width. */
  const tieLast = (value: string, constant: string): void => {
    const { name, shape } = weightOf(graph, constant)!;
    if ((shape.at(-1) ?? 1) > 1) tie(value, name, shape.length - 1);
  };
  const sizeOf = (value: string): number | undefined =>
    [...places].find(([key]) => sets.find(key) === sets.find(last(value)))?.[1].size;

  const follow = (node: Node): void => {
    const [first, second, third] = node.inputs as [string, string, string];
    const weight = weightOf(graph, second);
    const same = (...values: string[]): void => values.forEach((value) => sets.join(last(node.name), last(value)));
    switch (node.op) {
      case 'MatMul': {
        if (weight?.shape.length !== 2) return [first, second].forEach((value) => fix(value, node.name));
        const output = node.attrs['transpose_b'] === true ? 0 : 1;
        tie(first, weight.name, 1 - output);
        return tie(node.name, weight.name, output);
      }
      case 'BiasAdd':
        same(first);
        return tieLast(node.name, second);
      case 'LayerNorm':
        same(first);
        tieLast(node.name, second);
        return tieLast(node.name, third);
      case 'AddV2':
      case 'Sub':
      case 'Mul': {
        const operand = constantOperand(graph, node);
        if (!operand) return node.inputs.every((input) => weightOf(graph, input)) ? undefined : same(first, second);
        same(operand.value);
        return tieLast(node.name, operand.weight.name);
      }
      case 'GatherV2': {
        const table = weightOf(graph, first);
        return table?.shape.length === 2 ? tie(node.name, table.name, 1) : fix(first, node.name);
      }
      case 'AttentionLogits':
        return sets.join(last(first), last(second));
      case 'AttentionContext': {
        same(second);
        const logits = logitsBehind(graph, first);
        return logits ? same(logits.inputs[0]!) : fix(node.name, node.name);
      }
      case 'Slice':
      case 'Reshape': {
        const size = lastCount(graph, node.inputs.at(-1)!);
        const kept = node.op === 'Slice' && size?.value === -1;
        if (kept || (size && size.value > 1 && size.value === sizeAt(first))) {
          same(first);
          if (weightOf(graph, first)) tieLast(node.name, first);
          if (!kept) counts.push([node.name, size.count]);
          return undefined;
        }
        return fix(first, node.name);
      }
      case 'ConcatV2':
        return same(...node.inputs.slice(0, -1));
      case 'Pad': {
        const paddings = graph.weights.get(second)?.data;
        return paddings?.at(-1) === 0 && paddings.at(-2) === 0 ? same(first) : fix(first, node.name);
      }
      case 'Mean':
        return graph.weights.get(second)?.data[0] === 1 ? same(first) : fix(first, node.name);
      case 'Shape':
        return undefined;
      default:
        return alike.has(node.op) ? same(first) : [node.name, ...node.inputs].forEach((value) => fix(value, node.name));
    }
  };
  const sizeAt = (value: string): number | undefined => weightOf(graph, value)?.shape.at(-1) ?? sizeOf(value);

  for (const node of graph.nodes.values()) follow(node);
  for (const node of graph.nodes.values()) {
    if (node.op !== 'ConcatV2') continue;
    for (const input of node.inputs.slice(0, -1)) if (weightOf(graph, input)) tieLast(node.name, input);
  }
  for (const { name } of graph.inputs) if (consumersOf(graph, name).length > 0) fix(name, 'an input of the model');
  for (const { value } of graph.outputs) fix(producerOf(value), 'an output of the model');

  const found = new Map<string, { size: number; places: Place[]; counts: Count[]; fixed?: string }>();
  for (const [key, { size, ...place }] of places) {
    const root = sets.find(key);
    const width = found.get(root);
    if (width) width.places.push(place);
    else found.set(root, { size, places: [place], counts: [] });
  }
  for (const [value, count] of counts) found.get(sets.find(last(value)))?.counts.push(count);
  for (const [value, reason] of fixed) {
    const width = found.get(sets.find(value));
    if (width) width.fixed ??= reason;
  }
  return { of: (value) => found.get(sets.find(last(value))), all: [...found.values()] };
}

/** Ops that leave the last axis as it is. */
const alike: ReadonlySet<string> = new Set([
  ...['Gelu', 'Relu', 'Relu6', 'LeakyRelu', 'Elu', 'Tanh', 'Sigmoid', 'Softmax', 'Identity', 'Cast'],
]);

/** The AttentionLogits behind probabilities, through whatever is added to them. */
function logitsBehind(graph: Graph, value: string): Node | undefined {
  const node = graph.nodes.get(value);
  if (!node || node.op === 'AttentionLogits') return node;
  for (const input of node.op === 'Softmax' || node.op === 'AddV2' ? node.inputs : []) {
    const found = logitsBehind(graph, input);
    if (found) return found;
  }
  return undefined;
}

/** The last entry of a constant shape, or of one that is packed from scalars. */
function lastCount(graph: Graph, value: string): { readonly value: number; readonly count: Count } | undefined {
  const weight = graph.weights.get(value);
  if (weight) {
    const index = weight.data.length - 1;
    return index >= 0 ? { value: weight.data[index]!, count: { weight: value, index } } : undefined;
  }
  const node = graph.nodes.get(value);
  return node?.op === 'Pack' ? lastCount(graph, node.inputs.at(-1)!) : undefined;
}

/** Sets that grow together (union-find). */
function disjointSets() {
  const parents = new Map<string, string>();
  const find = (key: string): string => {
    let root = key;
    for (let parent = parents.get(root); parent !== undefined; parent = parents.get(root)) root = parent;
    if (root !== key) parents.set(key, root);
    return root;
  };
  const join = (a: string, b: string): void => {
    const [first, second] = [find(a), find(b)];
    if (first !== second) parents.set(second, first);
  };
  return { find, join };
}
