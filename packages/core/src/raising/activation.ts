import { CqError } from '../errors.ts';
import type { LinearAttrs } from '../runtime/linear.ts';
import type { Writer } from './writer.ts';

/** What several tables give for index codes that a quantizer has left: parts of the outputs have one each. */
export function lookedUp(index: string, table: Uint8Array, a: LinearAttrs, write: Writer): string {
  const size = 2 ** a.tableBits;
  const each = (a.outputs * size) / table.length;
  const entries = Float32Array.from(
    new Int8Array(table.buffer, table.byteOffset, table.length),
    (code) => (code - a.zeroPoint) * a.outputScale,
  );
  const starts = Float32Array.from(
    { length: a.outputs },
    (_, n) => Math.floor(n / each) * size + size / 2 + a.tableZeroPoint,
  );
  const codes = write.part('codes', 'Mul', [index, write.constant('unit', [], Float32Array.of(1 / a.tableScale))]);
  const places = write.part('places', 'AddV2', [codes, write.constant('starts', [a.outputs], starts)]);
  const whole = write.part('whole', 'Cast', [write.part('rounded', 'Round', [places])], {
    SrcT: { type: 'DT_FLOAT' },
    DstT: { type: 'DT_INT32' },
  });
  const axis = write.constant('axis', [], Int32Array.of(0));
  return write.part('entries', 'GatherV2', [write.constant('decoded_table', [table.length], entries), whole, axis]);
}

export function raiseActivation(kind: string, input: string, write: Writer): string {
  if (kind === 'gelu' || kind === 'gelu_tanh')
    return write.part('gelu', 'Gelu', [input], { approximate: kind === 'gelu_tanh' });
  const op = stockActivations[kind];
  if (!op)
    throw new CqError(
      `raise: activation "${kind}" is not known; known are gelu, gelu_tanh, ${Object.keys(stockActivations).join(', ')}`,
    );
  return write.part(kind, op, [input]);
}

const stockActivations: Readonly<Record<string, string>> = {
  relu: 'Relu',
  relu6: 'Relu6',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  elu: 'Elu',
};
