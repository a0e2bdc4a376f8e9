import { registerOp } from '@tensorflow/tfjs-converter';
import {
  engine,
  getBackend,
  getKernel,
  registerKernel,
  type KernelBackend,
  type NamedTensorMap,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { CqError } from '../errors.ts';
import { accept } from './accept.ts';
import { excerpt, sizeOf, type Attrs, type LoweredOp, type Operand } from './op.ts';
import { loweredOps } from './ops.ts';

/** What TensorFlow.js hands to a registered op: made anew for every run of a `node`, which stays as long as its model. */
interface GraphNode {
  readonly inputs: Tensor[];
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly node?: object;
}

/** What is found out about a node once. */
interface KnownNode {
  /** Frozen, so that `accept` knows them again. */
  readonly attrs: Attrs;
  /** Of the inputs. */
  readonly names: readonly string[];
  /** Inputs that kernels trust in, and between which numbers they must lie. */
  readonly bounded: readonly (readonly [index: number, low: number, high: number])[];
}

const knownNodes = new WeakMap<object, KnownNode>();

/**
 * Teaches TensorFlow.js the lowered ops: how a graph model executes them, and their reference kernels on the `cpu`
 * backend. May be called again; backend packages call it when they are imported.
 */
export function registerLoweredOps(): void {
  for (const op of loweredOps.values()) {
    registerOp(op.name, (node) => execute(op, node as GraphNode));
    if (getKernel(op.name, 'cpu')) continue;
    registerKernel({
      kernelName: op.name,
      backendName: 'cpu',
      kernelFunc: ({ inputs, attrs, backend }) =>
        referenceKernel(op, inputs as Record<string, TensorInfo>, attrs as unknown as Attrs, backend as KernelBackend),
    });
  }
}

/** One node of a graph model: name the inputs, check everything, run the backend's kernel. */
function execute(op: LoweredOp, { inputs, attrs: given, node }: GraphNode): Tensor {
  const known = (node && knownNodes.get(node)) ?? nodeOf(op, given, node);
  const { attrs, names } = known;
  if (inputs.length !== names.length || inputs.includes(undefined as never)) {
    throw new CqError(`${op.name}: takes ${names.length} inputs (${names.join(', ')}), got ${inputs.length}`);
  }
  const operands: NamedTensorMap = {};
  for (let i = 0; i < names.length; i++) operands[names[i]!] = inputs[i]!;
  accept(op, operands as Record<string, Operand & Tensor>, attrs);
  checkBounds(op, inputs, known);
  try {
    return engine().runKernel(op.name, operands, attrs as never) as Tensor;
  } catch (error) {
    if (getKernel(op.name, getBackend())) throw error;
    throw new CqError(
      `${op.name}: has no kernel on the "${getBackend()}" backend; use tf.setBackend('cpu'), or 'wasm' after importing @cq/backend-wasm`,
    );
  }
}

function nodeOf(op: LoweredOp, given: GraphNode['attrs'], node: object | undefined): KnownNode {
  const attrs = checkAttrs(op, given);
  const names = op.inputs.filter((name) => op.present?.(name, attrs) ?? true);
  const bounded = names.flatMap((name, i) => {
    const bounds = op.bounds?.(name, attrs);
    return bounds ? [[i, ...bounds] as const] : [];
  });
  const known = { attrs, names, bounded };
  if (node) knownNodes.set(node, known);
  return known;
}

/** The attributes of the op, each present and of its type; whatever else the node carries is left out. */
function checkAttrs(op: LoweredOp, given: Readonly<Record<string, unknown>>): Attrs {
  const attrs: Record<string, number | string | boolean> = {};
  for (const [name, type] of Object.entries(op.attrs)) {
    const value = given[name];
    const fits =
      type === 'int'
        ? Number.isInteger(value)
        : type === 'float'
          ? Number.isFinite(value)
          : typeof value === (type === 'bool' ? 'boolean' : 'string');
    if (!fits) throw new CqError(`${op.name}: attribute "${name}" must be ${type}, got ${excerpt(value)}`);
    attrs[name] = value as number | string | boolean;
  }
  return Object.freeze(attrs);
}

/** The least and the largest number in a tensor, by the id of its data: those of weights are read once. */
const extremes = new WeakMap<object, readonly [low: number, high: number]>();

function checkBounds(op: LoweredOp, inputs: readonly Tensor[], { names, bounded }: KnownNode): void {
  for (const [i, low, high] of bounded) {
    const { dataId } = inputs[i]!;
    let found = extremes.get(dataId);
    if (!found) extremes.set(dataId, (found = extremesOf(inputs[i]!.dataSync())));
    const wrong = found[0] < low ? found[0] : found[1] > high ? found[1] : undefined;
    if (wrong === undefined) continue;
    throw new CqError(`${op.name}: ${names[i]!} must be within ${low} and ${high}, got ${wrong}`);
  }
}

function extremesOf(data: ArrayLike<number>): readonly [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

function referenceKernel(
  op: LoweredOp,
  inputs: Readonly<Record<string, TensorInfo>>,
  attrs: Attrs,
  backend: KernelBackend,
): TensorInfo {
  const operands: Record<string, Operand> = {};
  for (const [name, { dataId, dtype, shape }] of Object.entries(inputs)) {
    operands[name] = { dtype, shape, data: backend.readSync(dataId) } as Operand;
  }
  const { dtype, shape } = op.output(operands, attrs);
  const size = sizeOf(shape);
  const output =
    dtype === 'float32' ? new Float32Array(size) : dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
  op.reference(operands, attrs, output);
  return { dataId: backend.write(output, [...shape], dtype), dtype, shape: [...shape] };
}
