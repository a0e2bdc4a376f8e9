import { ensure, sizeOf, type Attrs, type LoweredOp, type Shaped, type TensorType } from './op.ts';

/** Operands that an op takes, and what it makes of them. */
export interface Accepted {
  /** Of the operands. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly output: Shaped;
  /** Elements of the output. */
  readonly size: number;
}

interface Seen extends Accepted {
  readonly op: LoweredOp;
  readonly operands: readonly (Shaped & { readonly name: string })[];
}

/** By attributes: a node of a model has the same in every run, and nearly always the same shapes too. */
const seen = new WeakMap<Attrs, Seen>();

/** What kernels can read; TensorFlow.js also has text and complex numbers. */
const tensorTypes: readonly string[] = ['float32', 'int32', 'bool'] satisfies TensorType[];

/**
 * Throws one CqError unless the op takes operands of these types and shapes. Those that were accepted last with the same
 * attributes are not checked again, if these are frozen: others may have changed meanwhile.
 */
export function accept(op: LoweredOp, operands: Readonly<Record<string, Shaped>>, attrs: Attrs): Accepted {
  const last = seen.get(attrs);
  if (last?.op === op && areSame(last.operands, operands)) return last;
  for (const [name, { dtype }] of Object.entries(operands)) {
    ensure(tensorTypes.includes(dtype), op.name, `${name} must be float32, int32 or bool`, dtype);
  }
  op.check(operands, attrs);
  const list = Object.entries(operands).map(([name, { dtype, shape }]) => ({ name, dtype, shape: [...shape] }));
  const output = op.output(operands, attrs);
  const accepted: Seen = {
    op,
    operands: list,
    shapes: Object.fromEntries(list.map(({ name, shape }) => [name, shape])),
    output: { dtype: output.dtype, shape: [...output.shape] },
    size: sizeOf(output.shape),
  };
  if (Object.isFrozen(attrs)) seen.set(attrs, accepted);
  return accepted;
}

function areSame(before: Seen['operands'], now: Readonly<Record<string, Shaped>>): boolean {
  let more = before.length;
  for (const name in now) if (now[name]) more--;
  if (more !== 0) return false;
  for (const { name, dtype, shape } of before) {
    const operand = now[name];
    if (operand?.dtype !== dtype || operand.shape.length !== shape.length) return false;
    for (let i = 0; i < shape.length; i++) if (operand.shape[i] !== shape[i]) return false;
  }
  return true;
}
