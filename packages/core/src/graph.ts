import { CqError } from './errors.ts';
import { excerpt } from './runtime/op.ts';

/** Types of weights and values; `bool` weights are raw bytes, often codes. */
export type DataType = 'float32' | 'int32' | 'bool';

/** An attribute in plain form; `raw` keeps the forms of TensorFlow that nothing here looks into. */
export type Attr =
  | number
  | string
  | boolean
  | readonly number[]
  | { readonly type: string }
  | { readonly shape: readonly number[] }
  | { readonly raw: unknown };

/** One operation in TensorFlow's vocabulary. Its name is also the name of the value it produces. */
export interface Node {
  readonly name: string;
  readonly op: string;
  /** Names of nodes, weights or graph inputs; `name:k` is output k of a node that has several. */
  readonly inputs: readonly string[];
  readonly attrs: Readonly<Record<string, Attr>>;
}

/** One named constant. Floats stay in full precision until `lower`. `bool` data are raw bytes. */
export interface Weight {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** An input of the model. A size that may vary is -1. */
export interface Input {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

/** An output of the model: its public name, and the value that it shows. */
export interface Output extends Input {
  readonly value: string;
}

/** What a model says about itself beside its arithmetic; kept in `userDefinedMetadata.cq`. JSON values only. */
export interface Metadata {
  /** What the outputs are: `image-classification`, … */
  readonly task?: string;
  /** Class names by index. */
  readonly labels?: readonly string[];
  /** The fields of a Hugging Face `preprocessor_config.json`. */
  readonly preprocessing?: Readonly<Record<string, unknown>>;
  /** How the model was made: recipe, seed, version. */
  readonly compression?: Readonly<Record<string, unknown>>;
}

/** An immutable model. Nodes stand in topological order: every input of a node stands before it. */
export interface Graph {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly weights: ReadonlyMap<string, Weight>;
  readonly inputs: readonly Input[];
  readonly outputs: readonly Output[];
  readonly metadata: Metadata;
}

/** What a graph is made from, in any order. */
export interface GraphParts {
  readonly nodes: Iterable<Node>;
  readonly weights: Iterable<Weight>;
  readonly inputs: readonly Input[];
  readonly outputs: readonly Output[];
  readonly metadata?: Metadata;
}

/**
 * Sorts the nodes topologically (stable: nodes that may stand in the given order do).
 * Throws CqError if a name is taken twice, an input names nothing, or the nodes form a cycle.
 */
export function makeGraph({ nodes, weights, inputs, outputs, metadata = {} }: GraphParts): Graph {
  const given = new Map<string, Node>();
  const constants = new Map<string, Weight>();
  const taken = new Set<string>();
  const take = (name: string): void => {
    if (taken.has(name)) throw new CqError(`graph: ${excerpt(name)}: names must be unique, this one is used twice`);
    taken.add(name);
  };
  for (const { name } of inputs) take(name);
  for (const weight of weights) {
    take(weight.name);
    constants.set(weight.name, weight);
  }
  for (const node of nodes) {
    take(node.name);
    given.set(node.name, node);
  }
  const shown = new Set<string>();
  for (const { name, value } of outputs) {
    if (shown.has(name))
      throw new CqError(`graph: output ${excerpt(name)}: names must be unique, two outputs have this`);
    shown.add(name);
    if (name !== value && inputs.some((input) => input.name === name))
      throw new CqError(`graph: output ${excerpt(name)}: names must be unique, an input has this`);
    if (!taken.has(producerOf(value)))
      throw new CqError(`graph: output ${excerpt(name)} shows ${excerpt(value)}, which does not exist`);
  }
  return { nodes: sorted(given, taken), weights: constants, inputs, outputs, metadata };
}

/** Depth first with an explicit stack: imported graphs may be deeper than the call stack. */
function sorted(nodes: ReadonlyMap<string, Node>, known: ReadonlySet<string>): Map<string, Node> {
  const order = new Map<string, Node>();
  const open = new Set<string>();
  for (const root of nodes.values()) {
    const stack: [node: Node, next: number][] = [[root, 0]];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const [node, next] = top;
      if (order.has(node.name)) {
        stack.pop();
      } else if (next === node.inputs.length) {
        stack.pop();
        open.delete(node.name);
        order.set(node.name, node);
      } else {
        top[1]++;
        open.add(node.name);
        const input = producerOf(node.inputs[next]!);
        if (!known.has(input)) throw new CqError(`graph: "${node.name}": input ${excerpt(input)} does not exist`);
        if (open.has(input))
          throw new CqError(`graph: "${node.name}": its input "${input}" depends on it; cycles cannot run`);
        const producer = nodes.get(input);
        if (producer && !order.has(input)) stack.push([producer, 0]);
      }
    }
  }
  return order;
}

/** The node, weight or input behind a reference: `name:1` and `^name` are `name`. */
export function producerOf(reference: string): string {
  const name = reference.startsWith('^') ? reference.slice(1) : reference;
  const colon = name.lastIndexOf(':');
  return colon > 0 && /^\d+$/.test(name.slice(colon + 1)) ? name.slice(0, colon) : name;
}

const consumerCache = new WeakMap<Graph, ReadonlyMap<string, readonly Node[]>>();

/** The nodes that read a value, in topological order. */
export function consumersOf(graph: Graph, name: string): readonly Node[] {
  let index = consumerCache.get(graph);
  if (!index) {
    const building = new Map<string, Node[]>();
    for (const node of graph.nodes.values()) {
      for (const input of new Set(node.inputs.map(producerOf))) {
        const list = building.get(input);
        if (list) list.push(node);
        else building.set(input, [node]);
      }
    }
    consumerCache.set(graph, (index = building));
  }
  return index.get(name) ?? [];
}

/** Whether the model shows this value. */
export function isOutput(graph: Graph, name: string): boolean {
  return graph.outputs.some(({ value }) => producerOf(value) === name);
}

/** Bytes of all weights as they stand. */
export function weightBytes(graph: Graph): number {
  let bytes = 0;
  for (const { data } of graph.weights.values()) bytes += data.byteLength;
  return bytes;
}

/**
 * The number under this name, or `fallback`.
 * @throws CqError if it is neither there nor a number
 */
export function numberAttr(node: Node, name: string, fallback?: number): number {
  const value = node.attrs[name] ?? fallback;
  if (typeof value !== 'number')
    throw new CqError(
      `graph: "${node.name}" (${node.op}): attribute "${name}" must be a number, got ${excerpt(value)}`,
    );
  return value;
}

/**
 * The text under this name.
 * @throws CqError if there is none
 */
export function stringAttr(node: Node, name: string): string {
  const value = node.attrs[name];
  if (typeof value !== 'string')
    throw new CqError(
      `graph: "${node.name}" (${node.op}): attribute "${name}" must be a string, got ${excerpt(value)}`,
    );
  return value;
}
