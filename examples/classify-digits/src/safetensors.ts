/** The bytes of a safetensors file of float32 tensors: a length, a JSON header, then the values in the header's order. */
export function safetensors(
  values: ReadonlyMap<string, Float32Array>,
  shapes: ReadonlyMap<string, readonly number[]>,
): Buffer {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const [name, value] of values) {
    header[name] = { dtype: 'F32', shape: shapes.get(name), data_offsets: [offset, offset + value.byteLength] };
    offset += value.byteLength;
  }
  const json = JSON.stringify(header);
  const padded = json.padEnd(Math.ceil(json.length / 8) * 8); // keeps the values aligned
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const bodies = [...values.values()].map((value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  return Buffer.concat([length, Buffer.from(padded), ...bodies]);
}
