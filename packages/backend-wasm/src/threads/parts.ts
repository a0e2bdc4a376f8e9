import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf, type Attrs } from '@cq/core/runtime';
import { withSharedMemory } from '../heap.ts';
import type { Call } from '../kernel.ts';
import type { Kernels } from '../module.ts';
import { kernelBytes, kernelVariant } from '../variant.ts';
import { boundaries } from './boundaries.ts';
import { bytesOf, type Mirror } from './mirror.ts';
import type { PoolModule } from './pool.ts';
import type { Threads } from './threads.ts';

/** How threads share the work of an op: by rows of its output, which need nothing of each other. A row is its last axis. */
export interface Parting<A extends Attrs> {
  /** Inputs that have a row for each of the output. */
  readonly rows: readonly string[];
  /** Inputs that are weights. */
  readonly weights: readonly string[];
  /** Multiplications for an element of the output, or what takes as long. */
  work(attrs: A, shapes: Call<A>['shapes']): number;
}

/** A call and what its parts are cut from. */
export interface Whole<A extends Attrs> {
  readonly run: (call: Call<A>) => void;
  readonly call: Call<A>;
  readonly parting: Parting<A>;
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly output: TensorInfo;
}

/** Runs a call on all threads: the first part in the calling one, the others in whichever is free. */
export function runInParts<A extends Attrs>(whole: Whole<A>, threads: Threads): void {
  const { run, call, output } = whole;
  const { pool, mirror } = threads;
  const bounds = boundaries(rowsOf(whole), pool.threads);
  if (bounds.length === 2) return run(call);
  const { module, recorder } = knownTo(threads, call.kernels);
  const copies = mirror && copy(whole, mirror, bounds[1]!);

  const parameters: (readonly number[])[] = [];
  let scratch = 0;
  const theirs: Call<A> = {
    ...call,
    ...copies,
    kernels: recorder.kernels,
    scratch(bytes) {
      scratch = Math.max(scratch, bytes);
      return 0;
    },
  };
  for (let part = 1; part + 1 < bounds.length; part++) {
    run(partOf(whole, theirs, bounds[part]!, bounds[part + 1]!));
    parameters.push(recorder.parameters());
  }
  const mine = (part: number): void => run(partOf(whole, call, bounds[part]!, bounds[part + 1]!));
  const done = pool.run(
    { module, kernel: recorder.kernel(), parameters, scratch },
    () => mine(0),
    (part) => mine(part + 1),
  );
  if (!mirror) return;
  const row = bytesOf(output) / rowsOf(whole);
  for (const part of done) {
    const [first, end] = [bounds[part + 1]!, bounds[part + 2]!];
    mirror.fetch(theirs.output.at + first * row, (end - first) * row, call.output.at + first * row);
  }
}

const rowsOf = ({ output }: Pick<Whole<Attrs>, 'output'>): number => sizeOf(output.shape.slice(0, -1));

/** The call on the rows from `first` to `end`. */
function partOf<A extends Attrs>(whole: Whole<A>, call: Call<A>, first: number, end: number): Call<A> {
  const { parting, inputs } = whole;
  const rows = rowsOf(whole);
  const shapes = { ...call.shapes };
  for (const name of parting.rows) if (shapes[name]) shapes[name] = [end - first, sizeOf(shapes[name]) / rows];
  const before = (tensor: TensorInfo | undefined): number => (tensor ? (first * bytesOf(tensor)) / rows : 0);
  const size = call.output.size / rows;
  return {
    ...call,
    shapes,
    at: (input) => call.at(input) + (parting.rows.includes(input) ? before(inputs[input]) : 0),
    output: {
      ...call.output,
      at: call.output.at + before(whole.output),
      first: first * size,
      size: (end - first) * size,
    },
  };
}

/** Copies the operands to where the other threads, which take no row before `first`, can read and write. */
function copy<A extends Attrs>(whole: Whole<A>, mirror: Mirror, first: number): Pick<Call<A>, 'at' | 'output'> {
  const { call, parting, inputs, output } = whole;
  const addresses = new Map<string, number>();
  const staged: [name: string, tensor: TensorInfo][] = [];
  for (const [name, tensor] of Object.entries(inputs)) {
    if (parting.weights.includes(name)) addresses.set(name, mirror.keep(tensor));
    else staged.push([name, tensor]);
  }
  const starts = mirror.stage([...staged.map(([, tensor]) => bytesOf(tensor)), bytesOf(output)]);
  for (const [i, [name, tensor]] of staged.entries()) {
    const bytes = bytesOf(tensor);
    const skipped = parting.rows.includes(name) ? (first * bytes) / rowsOf(whole) : 0;
    mirror.bring(call.at(name) + skipped, bytes - skipped, starts[i]! + skipped);
    addresses.set(name, starts[i]!);
  }
  return { at: (input) => addresses.get(input) ?? 0, output: { ...call.output, at: starts.at(-1)! } };
}

/** Kernels that compute nothing, and what they were called with. */
interface Recorder {
  readonly kernels: Kernels;
  kernel(): string;
  parameters(): readonly number[];
}

interface Known {
  readonly module: PoolModule;
  readonly recorder: Recorder;
}

const known = new WeakMap<Threads, Known>();

/** What threads are told of the kernels, once. */
function knownTo(threads: Threads, kernels: Kernels): Known {
  let found = known.get(threads);
  if (!found) {
    const module = threads.pool.load(withSharedMemory(kernelBytes(kernelVariant())));
    known.set(threads, (found = { module, recorder: recorderOf(kernels) }));
  }
  return found;
}

function recorderOf(kernels: Kernels): Recorder {
  let kernel = '';
  let parameters: readonly number[] = [];
  const record =
    (name: string) =>
    (...given: readonly number[]): void => {
      [kernel, parameters] = [name, given];
    };
  const recording = Object.entries(kernels).map(([name, compute]) => [
    name,
    name.endsWith('Scratch') ? compute : record(name),
  ]);
  return {
    kernels: Object.fromEntries(recording) as Kernels,
    kernel: () => kernel,
    parameters: () => parameters,
  };
}
