import type { Block } from './blocks.ts';
import type { ArrayTensor, Batch, Dataset } from './dataset.ts';
import { CqError } from './errors.ts';
import { executor } from './execute.ts';
import type { Graph, Input } from './graph.ts';
import type { ObserveOptions } from './observe.ts';
import { sizeOf } from './runtime/op.ts';
import type { Store } from './store.ts';

/** What some values of a graph were on some data, as a dataset again: the inputs of a block are data for that block. */
export interface Captured extends Dataset {
  /** Names, types and shapes; -1 for the batch, and for sizes that differ from example to example. */
  readonly inputs: readonly Input[];
  /** Frees the memory and removes what was stored. */
  dispose(): Promise<void>;
}

/** Which examples are captured, and where they are kept. */
export interface CaptureOptions extends ObserveOptions {
  /** Bytes kept in memory; what is beyond goes to the store. */
  readonly memory?: number;
  /** Where goes what memory has no room for; without it everything stays in memory. */
  readonly store?: Store;
  /** Under what the store keeps it. */
  readonly key?: string;
}

/** What a block reads while the graph runs over the data: as it is, or annotated for the quantized prefix. */
export function blockInputs(graph: Graph, { input, others }: Block, data: Dataset, options?: CaptureOptions) {
  return capture(graph, Object.fromEntries([input, ...others].map((name) => [name, name])), data, options);
}

/**
 * Runs the data through the graph once and keeps named values per example: name in the result → value of the graph, or
 * input of the data. Reading it back may give batches smaller than asked for, since only examples of one shape can stand
 * in one.
 * @throws CqError if memory is spent and there is no store.
 */
export async function capture(
  graph: Graph,
  values: Readonly<Record<string, string>>,
  data: Dataset,
  { indices, batchSize = 1, memory = 2 ** 28, store, key = 'capture', progress, signal }: CaptureOptions = {},
): Promise<Captured> {
  const total = indices?.length ?? data.size;
  if (total === 0) throw new CqError(`capture: ${data.name}: there are no examples`);
  const names = Object.keys(values);
  const shelf = shelfOf(memory, store, key, data.name);
  const examples: Example[] = [];
  const computed = Object.values(values).filter((value) => graph.nodes.has(value));
  const model = executor(graph);
  try {
    for await (const { inputs, labels } of data.batches(batchSize, indices)) {
      signal?.throwIfAborted();
      const count = Object.values(inputs)[0]!.shape[0]!;
      const tensors = new Map<string, ArrayTensor>(Object.entries(inputs));
      for (const [i, tensor] of (computed.length > 0 ? model.run(inputs, computed) : []).entries()) {
        const values = tensor.dataSync<'float32'>();
        tensors.set(computed[i]!, { dtype: tensor.dtype as ArrayTensor['dtype'], shape: tensor.shape, data: values });
        tensor.dispose();
      }
      for (let row = 0; row < count; row++) {
        const parts = names.map((name) => rowOf(values[name]!, tensors.get(values[name]!), row, count));
        await shelf.put(examples.length, parts);
        examples.push({ parts: parts.map(({ dtype, shape }) => ({ dtype, shape })), label: labels?.[row] });
      }
      progress?.(examples.length, total);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } catch (error) {
    await shelf.clear();
    throw error;
  } finally {
    model.dispose();
  }
  return asDataset(data.name, names, examples, shelf);
}

/** What is known of an example without reading it. Shapes without the batch. */
interface Example {
  readonly parts: readonly Pick<ArrayTensor, 'dtype' | 'shape'>[];
  readonly label: number | undefined;
}

/** A row of a batch, copied. A tensor of one row belongs to all. */
function rowOf(value: string, tensor: ArrayTensor | undefined, row: number, count: number): ArrayTensor {
  if (!tensor) throw new CqError(`capture: "${value}" is neither a value of the graph nor an input of the data`);
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'int32') {
    throw new CqError(`capture: "${value}" must be float32 or int32, got ${String(tensor.dtype)}`);
  }
  const [rows, ...shape] = tensor.shape;
  if (rows !== count && rows !== 1) {
    throw new CqError(
      `capture: "${value}" must have a row for each of ${count} examples, got [${tensor.shape.join(', ')}]`,
    );
  }
  const size = sizeOf(shape);
  const at = rows === 1 ? 0 : row * size;
  return { dtype: tensor.dtype, shape, data: tensor.data.slice(at, at + size) };
}

/** Keeps the first examples in memory and the others in the store. */
interface Shelf {
  put(example: number, parts: readonly ArrayTensor[]): Promise<void>;
  get(example: number, shapes: Example['parts']): Promise<readonly ArrayTensor['data'][]>;
  clear(): Promise<void>;
}

function shelfOf(memory: number, store: Store | undefined, key: string, origin: string): Shelf {
  const kept = new Map<number, readonly ArrayTensor['data'][]>();
  const stored = new Set<number>();
  let bytes = 0;
  return {
    async put(example, parts) {
      const size = parts.reduce((sum, { data }) => sum + data.byteLength, 0);
      if (bytes + size <= memory) {
        bytes += size;
        kept.set(
          example,
          parts.map(({ data }) => data),
        );
        return;
      }
      if (!store) {
        throw new CqError(
          `capture: example ${example} of ${origin} is beyond the ${memory} bytes that may stay in memory; give it a store or more memory`,
        );
      }
      const joined = new Uint8Array(size);
      let at = 0;
      for (const { data } of parts) {
        joined.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
        at += data.byteLength;
      }
      await store.write(`${key}/${example}`, joined);
      stored.add(example);
    },
    async get(example, shapes) {
      const here = kept.get(example);
      if (here) return here;
      const bytes = await store?.read(`${key}/${example}`);
      const size = shapes.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
      if (bytes?.length !== size)
        throw new CqError(`capture: "${key}/${example}" has gone from the store, or is not whole`);
      let at = 0;
      return shapes.map(({ dtype, shape }) => {
        const from = at;
        at += 4 * sizeOf(shape);
        const part = bytes.slice(from, at).buffer;
        return dtype === 'float32' ? new Float32Array(part) : new Int32Array(part);
      });
    },
    async clear() {
      kept.clear();
      for (const example of stored) await store!.remove(`${key}/${example}`);
      stored.clear();
    },
  };
}

function asDataset(name: string, names: readonly string[], examples: readonly Example[], shelf: Shelf): Captured {
  const inputs = names.map((input, i): Input => {
    const { dtype, shape } = examples[0]!.parts[i]!;
    const varies = (size: number, axis: number): boolean =>
      examples.some(({ parts }) => parts[i]!.shape[axis] !== size);
    return { name: input, dtype, shape: [-1, ...shape.map((size, axis) => (varies(size, axis) ? -1 : size))] };
  });
  const form = ({ parts }: Example): string => parts.map(({ shape }) => shape.join()).join(';');
  return {
    name,
    size: examples.length,
    inputs,
    async *batches(batchSize, indices = examples.map((_, i) => i)) {
      for (let start = 0; start < indices.length;) {
        const first = form(examples[indices[start]!]!);
        let end = start + 1;
        while (end < indices.length && end - start < batchSize && form(examples[indices[end]!]!) === first) end++;
        yield await stacked(indices.slice(start, end));
        start = end;
      }
    },
    dispose: () => shelf.clear(),
  };

  async function stacked(indices: readonly number[]): Promise<Batch> {
    const { parts } = examples[indices[0]!]!;
    const sizes = parts.map(({ shape }) => sizeOf(shape));
    const data = parts.map(({ dtype }, i) => {
      const length = sizes[i]! * indices.length;
      return dtype === 'float32' ? new Float32Array(length) : new Int32Array(length);
    });
    for (const [row, index] of indices.entries()) {
      const values = await shelf.get(index, parts);
      values.forEach((value, i) => data[i]!.set(value, row * sizes[i]!));
    }
    const labels = indices.map((index) => examples[index]!.label);
    return {
      inputs: Object.fromEntries(
        names.map((input, i) => {
          const { dtype, shape } = parts[i]!;
          return [input, { dtype, shape: [indices.length, ...shape], data: data[i]! }];
        }),
      ),
      ...(labels.every((label) => label !== undefined) && { labels }),
    };
  }
}
