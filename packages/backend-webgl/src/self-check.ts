import type { GraphModel } from '@tensorflow/tfjs-converter';
import {
  engine,
  getBackend,
  tensor,
  tidy,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { CqError, loweredOps, sizeOf, type Attrs, type AttrType, type LoweredOp, type Operand } from '@cq/core/runtime';
import { tinyOperands, type Tiny } from './tiny-operands.ts';

/**
 * Runs a tiny input through every op that a loaded model uses, with its widths and options, on the current backend, and compares
 * the bytes with those of the op's definition in plain TypeScript. A page can call it once after loading, where it doubts a
 * graphics driver; it compiles programs that the model itself may not need, which takes longer than 50 ms, so that nothing calls
 * it by itself.
 * @returns the names of the ops that were checked, each once.
 * @throws CqError that names the first op whose results differ.
 */
export async function selfCheck(model: GraphModel): Promise<readonly string[]> {
  const seen = new Map<string, string>();
  for (const { op, attr = {} } of nodesOf(model)) {
    const lowered = loweredOps.get(op);
    const tiny = lowered && tinyOperands(op, attrsOf(lowered, attr));
    if (!tiny) continue;
    const kind = [
      op,
      ...Object.entries(tiny.operands).map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`),
    ].join();
    if (seen.has(kind)) continue;
    seen.set(kind, op);
    await check(lowered, tiny);
  }
  return [...new Set(seen.values())];
}

interface GraphNode {
  readonly op: string;
  readonly attr?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What a GraphModel keeps of the file it came from, which its type calls private. */
function nodesOf(model: GraphModel): readonly GraphNode[] {
  const { artifacts } = model as unknown as { artifacts?: { modelTopology?: { node?: readonly GraphNode[] } } };
  const nodes = artifacts?.modelTopology?.node;
  if (!nodes) throw new CqError('selfCheck: a loaded graph model is needed, got one without a graph');
  return nodes;
}

function attrsOf(op: LoweredOp, attr: NonNullable<GraphNode['attr']>): Attrs {
  return Object.fromEntries(Object.entries(op.attrs).map(([name, type]) => [name, valueOf(attr[name] ?? {}, type)]));
}

/** A value as a graph's file spells it: integers may be text, text is base64. */
function valueOf({ i, f, b, s }: Readonly<Record<string, unknown>>, type: AttrType): number | string | boolean {
  if (type === 'bool') return b === true;
  if (type === 'string') return typeof s === 'string' ? atob(s) : '';
  return Number(type === 'int' ? i : f);
}

async function check(op: LoweredOp, { attrs, operands }: Tiny): Promise<void> {
  op.check(operands, attrs);
  const { dtype, shape } = op.output(operands, attrs);
  const wanted = new { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype](sizeOf(shape));
  op.reference(operands, attrs, wanted);
  const inputs: NamedTensorMap = {};
  for (const [name, { data, shape, dtype }] of Object.entries(operands)) inputs[name] = tensor(data, [...shape], dtype);
  const output = tidy(() => engine().runKernel(op.name, inputs, attrs as unknown as NamedAttrMap) as Tensor);
  const given = (await output.data()) as Operand['data'];
  for (const one of [output, ...Object.values(inputs)]) one.dispose();
  const wrong = Array.from(wanted).filter((value, i) => !same(value, given[i]!, op)).length;
  if (wrong === 0) return;
  throw new CqError(
    `selfCheck: "${op.name}": the "${getBackend()}" backend must give the results of the definition, got ${wrong} of ${wanted.length} others; use another backend here`,
  );
}

/** Only CqFloatLinear leaves its floats to the graphics card. */
function same(a: number, b: number, { name }: LoweredOp): boolean {
  return name === 'CqFloatLinear' ? Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(a)) : Object.is(a, b);
}
