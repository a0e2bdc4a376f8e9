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
import { ensure, excerpt, sizeOf, type Attrs, type LoweredOp, type Operand, type TensorType } from './op.ts';
import { loweredOps } from './ops.ts';

/** What TensorFlow.js hands to a registered op. */
interface GraphNode {
  readonly inputs: Tensor[];
  readonly attrs: Readonly<Record<string, unknown>>;
}

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
function execute(op: LoweredOp, { inputs, attrs }: GraphNode): Tensor {
  const checked = checkAttrs(op, attrs);
  const names = op.inputs.filter((name) => op.present?.(name, checked) ?? true);
  if (inputs.length !== names.length || inputs.some((tensor) => tensor === undefined)) {
    throw new CqError(`${op.name}: takes ${names.length} inputs (${names.join(', ')}), got ${inputs.length}`);
  }
  const operands: NamedTensorMap = {};
  names.forEach((name, i) => (operands[name] = inputs[i]!));
  for (const [name, { dtype }] of Object.entries(operands)) {
    ensure(tensorTypes.includes(dtype), op.name, `${name} must be float32, int32 or bool`, dtype);
  }
  op.check(operands as Record<string, Operand & Tensor>, checked);
  checkBounds(op, operands, checked);
  if (!getKernel(op.name, getBackend())) {
    throw new CqError(
      `${op.name}: has no kernel on the "${getBackend()}" backend; use tf.setBackend('cpu'), or 'wasm' after importing @cq/backend-wasm`,
    );
  }
  return engine().runKernel(op.name, operands, checked as never) as Tensor;
}

/** What kernels can read; TensorFlow.js also has text and complex numbers. */
const tensorTypes: readonly string[] = ['float32', 'int32', 'bool'] satisfies TensorType[];

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
  return attrs;
}

/** The least and the largest number in a tensor, by the id of its data: those of weights are read once. */
const extremes = new WeakMap<object, readonly [low: number, high: number]>();

function checkBounds(op: LoweredOp, operands: NamedTensorMap, attrs: Attrs): void {
  for (const [name, tensor] of Object.entries(operands)) {
    const bounds = op.bounds?.(name, attrs);
    if (!bounds) continue;
    const found = extremes.get(tensor.dataId) ?? extremesOf(tensor.dataSync());
    extremes.set(tensor.dataId, found);
    const wrong = found[0] < bounds[0] ? found[0] : found[1];
    ensure(
      found[0] >= bounds[0] && found[1] <= bounds[1],
      op.name,
      `${name} must be within ${bounds.join(' and ')}`,
      wrong,
    );
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
