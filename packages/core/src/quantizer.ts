import { CqError } from './errors.ts';
import type { Attr } from './graph.ts';
import { attributeReader } from './quantizers/attributes.ts';
import { codebookRow, type CodebookQuantizer } from './quantizers/codebook.ts';
import { dynamicRow, rowQuantizer, type DynamicQuantizer } from './quantizers/dynamic.ts';
import { log2Row, type Log2Quantizer } from './quantizers/log2.ts';
import type { Form, QuantizerRow, Written } from './quantizers/row.ts';
import { uniformLog2Row, type UniformLog2Quantizer } from './quantizers/uniform-log2.ts';
import { uniformRow, type UniformQuantizer } from './quantizers/uniform.ts';
import { eachRun, scaleCount } from './runtime/granularity.ts';
import { sizeOf } from './runtime/op.ts';

export { codebook, type CodebookQuantizer } from './quantizers/codebook.ts';
export { rowQuantizer, type DynamicQuantizer } from './quantizers/dynamic.ts';
export type { Log2Quantizer } from './quantizers/log2.ts';
export type { UniformLog2Quantizer } from './quantizers/uniform-log2.ts';
export { asymmetric, symmetric, unsigned, type UniformQuantizer } from './quantizers/uniform.ts';

/** A scalar quantizer as data. b bits mean 2^b codes, zero included. */
export type Quantizer = StoredQuantizer | DynamicQuantizer;

/** A quantizer that has its scales; a dynamic one finds them while running. */
export type StoredQuantizer = UniformQuantizer | Log2Quantizer | UniformLog2Quantizer | CodebookQuantizer;

/** A quantizer as an annotation has it in its attributes: its scales are a constant, or a tensor that is being trained. */
export type QuantizerForm = StoredForm | DynamicQuantizer;
/** The form of a quantizer that has scales of its own, without these. */
export type StoredForm = { readonly [Q in StoredQuantizer as Q['kind']]: Form<Q> }[StoredQuantizer['kind']];

/** Every kind of quantizer: how a real number becomes a code and back. A new kind is a new row. */
export const quantizers: {
  readonly [Q in Quantizer as Q['kind']]: Q extends StoredQuantizer ? QuantizerRow<Q> : Written<Q>;
} = {
  uniform: uniformRow,
  log2: log2Row,
  'uniform-log2': uniformLog2Row,
  codebook: codebookRow,
  dynamic: dynamicRow,
};

/** The row of a quantizer whose kind is not known. */
export const rowOf = ({ kind }: Pick<StoredQuantizer, 'kind'>): QuantizerRow<StoredQuantizer> =>
  quantizers[kind] as unknown as QuantizerRow<StoredQuantizer>;

/** Attributes and constants of the annotation with this quantizer. */
export function writeQuantizer(quantizer: Quantizer): {
  readonly attrs: Readonly<Record<string, Attr>>;
  readonly constants: Readonly<Record<string, Float32Array>>;
} {
  const { write, tables } = quantizers[quantizer.kind] as unknown as Written<Quantizer>;
  return {
    attrs: { kind: quantizer.kind, ...write(quantizer) },
    constants: { ...(quantizer.kind !== 'dynamic' && { scale: quantizer.scale }), ...tables?.(quantizer) },
  };
}

/**
 * The reverse of `writeQuantizer`, but for the scale.
 * @param floats Data of the constants behind the scale.
 * @throws CqError, beginning with `source`, for attributes that no quantizer has.
 */
export function readForm(
  source: string,
  attrs: Readonly<Record<string, unknown>>,
  floats: (index: number) => Float32Array | undefined,
): QuantizerForm {
  const attributes = attributeReader(source, attrs, floats);
  const { kind } = attrs;
  if (typeof kind !== 'string' || !Object.hasOwn(quantizers, kind))
    return attributes.fail(`kind must be one of ${Object.keys(quantizers).join(', ')}`, kind);
  return quantizers[kind as Quantizer['kind']].read(attributes);
}

/** A tensor's values → codes, row-major. */
export function encode(values: Float32Array, shape: readonly number[], quantizer: Quantizer): Int32Array {
  const stored = settled(values, shape, quantizer);
  const { encoder } = rowOf(stored);
  return mapped(values, new Int32Array(values.length), shape, stored, (index) => encoder(stored, index));
}

/** The reverse of `encode`: codes → the float32 values they stand for. */
export function decode(codes: ArrayLike<number>, shape: readonly number[], quantizer: StoredQuantizer): Float32Array {
  const { decoder } = rowOf(quantizer);
  return mapped(codes, new Float32Array(codes.length), shape, quantizer, (index) => decoder(quantizer, index));
}

/** decode(encode(values)): each value on its level. */
export function onLevels(values: Float32Array, shape: readonly number[], quantizer: Quantizer): Float32Array {
  const stored = settled(values, shape, quantizer);
  return decode(encode(values, shape, stored), shape, stored);
}

/** The quantizer with the scales that it has on these values. */
function settled(values: Float32Array, shape: readonly number[], quantizer: Quantizer): StoredQuantizer {
  return quantizer.kind === 'dynamic' ? rowQuantizer(values, shape, quantizer) : quantizer;
}

/** Whether 0 stays 0, as a masked weight needs. */
export function hasZero(quantizer: Quantizer): boolean {
  if (quantizer.kind === 'dynamic') return true;
  const { encoder, decoder } = rowOf(quantizer);
  return quantizer.scale.every((_, index) => decoder(quantizer, index)(encoder(quantizer, index)(0)) === 0);
}

function mapped<To extends Int32Array | Float32Array>(
  from: ArrayLike<number>,
  to: To,
  shape: readonly number[],
  quantizer: StoredQuantizer,
  functionOf: (index: number) => (value: number) => number,
): To {
  checkScales('quantizer', quantizer, quantizer.scale.length, shape);
  if (from.length !== sizeOf(shape)) {
    throw new CqError(`quantizer: [${shape.join(', ')}] has ${sizeOf(shape)} values, got ${from.length}`);
  }
  const functions = Array.from(quantizer.scale, (_, index) => functionOf(index));
  eachRun(shape, quantizer, (index, start, end) => {
    const f = functions[index]!;
    for (let i = start; i < end; i++) to[i] = f(from[i]!);
  });
  return to;
}

/** @throws CqError unless a value, of this shape if it is known, can have so many scales. */
export function checkScales(source: string, form: StoredForm, count: number, shape?: readonly number[]): void {
  const { axis, group } = form;
  const fail = (rule: string): never => {
    throw new CqError(`${source}: ${count} scales ${rule}`);
  };
  if (form.kind === 'uniform' && form.zeroPoint.length !== count) fail(`for ${form.zeroPoint.length} zero points`);
  if (axis === undefined && count !== 1) fail('and no axis, needs 1');
  if (axis === undefined || !shape) return;
  if (group !== undefined && shape.length !== 2)
    fail(`in groups of ${group}, which only matrices can have, got [${shape.join(', ')}]`);
  const needed = axis < shape.length ? scaleCount(shape, form) : 0;
  if (count !== needed) fail(`along axis ${axis} of [${shape.join(', ')}], needs ${needed}`);
}
