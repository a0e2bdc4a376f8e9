/** The bytes of an ONNX model: y = max(x, 0), with x: float32 [1, size]. */
export function reluOnnx(size: number): Uint8Array {
  const shape = message(field(1, field(1, 1)), field(1, field(1, size)));
  const value = (name: string): Uint8Array =>
    message(field(1, name), field(2, field(1, message(field(1, 1), field(2, shape)))));
  const node = message(field(1, 'x'), field(2, 'y'), field(4, 'Relu'));
  const graph = message(field(1, node), field(2, 'relu'), field(11, value('x')), field(12, value('y')));
  return message(field(1, 8), field(7, graph), field(8, field(2, 13)));
}

const message = (...fields: readonly Uint8Array[]): Uint8Array => Uint8Array.from(fields.flatMap((part) => [...part]));

/** A field of a protocol buffer: a small number, or a text or message of less than 128 bytes. */
function field(number: number, content: number | string | Uint8Array): Uint8Array {
  if (typeof content === 'number') return Uint8Array.of(number << 3, content);
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return Uint8Array.of((number << 3) | 2, bytes.length, ...bytes);
}
