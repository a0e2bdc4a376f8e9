import { CqError } from '@cq/core';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors } from './read-safetensors.ts';
import { writeSafetensors } from './safetensors.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
  file = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes a file by hand: length, header, data. */
async function write(header: string | object, data: ArrayLike<number> = [], length?: bigint): Promise<void> {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const start = new Uint8Array(8);
  new DataView(start.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  await writeFile(file, Buffer.concat([start, json, Uint8Array.from(data)]));
}

const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

async function read(dtype: string, data: ArrayBufferView, length: number): Promise<Float32Array | Int32Array> {
  await write({ x: { dtype, shape: [length], data_offsets: [0, data.byteLength] } }, bytesOf(data));
  return (await readSafetensors(file)).tensors.get('x')!.data;
}

test('what was written is read again, at any length of the header', async () => {
  for (const name of ['a', 'ab', 'abc', 'layer.0.weight', 'ü']) {
    const tensors = new Map([
      [name, { shape: [2, 2], data: Float32Array.of(1, -0, NaN, Infinity) }],
      ['empty', { shape: [0, 3], data: new Float32Array(0) }],
      ['scalar', { shape: [], data: Int32Array.of(-7) }],
    ]);
    await writeFile(file, writeSafetensors(tensors, { format: 'pt' }));
    expect(await readSafetensors(file)).toEqual({ tensors, metadata: new Map([['format', 'pt']]) });
  }
});

test('tensors that do not start at a multiple of their width are read', async () => {
  const header = {
    a: { dtype: 'F16', shape: [1], data_offsets: [0, 2] },
    b: { dtype: 'F32', shape: [1], data_offsets: [2, 6] },
  };
  await write(header, [...bytesOf(Uint16Array.of(0x3c00)), ...bytesOf(Float32Array.of(0.1))]);
  const { tensors } = await readSafetensors(file);
  expect(tensors.get('a')!.data).toEqual(Float32Array.of(1));
  expect(tensors.get('b')!.data).toEqual(Float32Array.of(0.1));
});

test('F16 becomes float32: subnormal, largest, signed zero, infinite, not a number', async () => {
  const halves = Uint16Array.of(0x0001, 0x83ff, 0x0400, 0x7bff, 0x8000, 0xfc00, 0x7e00, 0x3555);
  expect(await read('F16', halves, 8)).toEqual(
    Float32Array.of(2 ** -24, -1023 * 2 ** -24, 2 ** -14, 65504, -0, -Infinity, NaN, 0.333251953125),
  );
});

test('BF16 becomes float32: subnormal, largest, signed zero, infinite, not a number', async () => {
  const halves = Uint16Array.of(0x0001, 0x807f, 0x0080, 0x7f7f, 0x8000, 0xff80, 0x7fc0, 0xc049);
  expect(await read('BF16', halves, 8)).toEqual(
    Float32Array.of(2 ** -133, -127 * 2 ** -133, 2 ** -126, 255 * 2 ** 120, -0, -Infinity, NaN, -3.140625),
  );
});

test('I64 becomes int32 if every value fits', async () => {
  expect(await read('I64', BigInt64Array.of(0n, -1n, 2n ** 31n - 1n, -(2n ** 31n)), 4)).toEqual(
    Int32Array.of(0, -1, 2 ** 31 - 1, -(2 ** 31)),
  );
  await expect(read('I64', BigInt64Array.of(5n, 2n ** 31n), 2)).rejects.toThrow(
    'tensor "x": value 1 must fit in 32 bits, got 2147483648',
  );
});

const tensor = (shape: readonly unknown[], start: number, end: number, dtype = 'F32'): object => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

describe('one error names the file, the tensor and the numbers for', () => {
  const cases: readonly [string, () => Promise<void>, string][] = [
    ['an empty file', () => writeFile(file, ''), 'must start with 8 bytes of header length, got 0 bytes in all'],
    ['a header beyond the file', () => write('{}', [], 99n), 'header ends at byte 107, got 10 bytes in all'],
    [
      'a header over 100 MB',
      () => write('{}', [], 100_000_001n),
      'header length must be at most 100000000, got 100000001',
    ],
    ['a header of 2^64 bytes', () => write('{}', [], 2n ** 64n - 1n), 'at most 100000000, got 18446744073709551615'],
    ['bad JSON', () => write('{"x": '), 'header must be JSON, got '],
    ['bad UTF-8', () => writeFile(file, Buffer.from([4, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xff, 0xff, 0x22])), 'must be JSON'],
    [
      'lists that are no entries',
      () => write(`[${'[],'.repeat(100)}[]]`),
      'header must be entries of tensors, got 102 lists in ',
    ],
    ['a list for a header', () => write('[1]'), 'header must be a JSON object, got [1]'],
    ['a name used twice', () => write('{"x": 1, "\\u0078" : 2}'), 'every name must be unique, got "x" twice'],
    ['a field used twice', () => write('{"x": {"shape": [], "shape": [2]}}'), 'got "shape" twice'],
    ['__proto__', () => write('{"__proto__": {"dtype": "F32"}}'), 'tensor "__proto__": this name is reserved'],
    [
      'constructor',
      () => write({ constructor: tensor([1], 0, 4) }, [0, 0, 0, 0]),
      '"constructor": this name is reserved',
    ],
    ['metadata that is no text', () => write({ __metadata__: { a: 1 } }), '__metadata__ must be an object of strings'],
    ['a tensor that is no object', () => write({ x: 3 }), 'tensor "x": must be an object with dtype'],
    [
      'an unknown dtype',
      () => write({ x: tensor([1], 0, 4, 'F8') }),
      '"x": dtype must be one of F32, F16, BF16, I32, I64, got "F8"',
    ],
    ['a dtype from Object', () => write({ x: tensor([1], 0, 4, 'toString') }), 'got "toString"'],
    [
      'a negative size',
      () => write({ x: tensor([-1], 0, 4) }),
      '"x": shape must be a list of non-negative integers, got [-1]',
    ],
    ['a fraction of a size', () => write({ x: tensor([1.5], 0, 6) }), 'got [1.5]'],
    ['a size that is text', () => write({ x: tensor(['4'], 0, 16) }), 'got ["4"]'],
    [
      'a shape beyond the offsets',
      () => write({ x: tensor([2, 3], 0, 20) }, new Uint8Array(20)),
      '"x": F32 of shape [2,3] has 24 bytes, got 20',
    ],
    [
      'a shape beyond all memory',
      () => write({ x: tensor([2 ** 40, 2 ** 40], 0, 8) }, new Uint8Array(8)),
      'got 8 from data_offsets',
    ],
    [
      'offsets in the wrong order',
      () => write({ x: tensor([1], 8, 4) }, new Uint8Array(8)),
      'has 4 bytes, got -4 from data_offsets',
    ],
    [
      'one offset',
      () => write({ x: { dtype: 'F32', shape: [1], data_offsets: [0] } }),
      '"x": data_offsets must be a start and an end, got [0]',
    ],
    ['negative offsets', () => write({ x: tensor([1], -4, 0) }), 'data_offsets must be a start and an end, got [-4,0]'],
    [
      'offsets beyond the file',
      () => write({ x: tensor([4], 0, 16) }, new Uint8Array(12)),
      '"x": ends at byte 16 of the data, got 12 bytes of data; the file is truncated',
    ],
    [
      'tensors that overlap',
      () => write({ a: tensor([2], 0, 8), b: tensor([2], 4, 12) }, new Uint8Array(12)),
      '"b": must start at byte 8 of the data, got 4; it overlaps "a"',
    ],
    [
      'a hole',
      () => write({ a: tensor([1], 0, 4), b: tensor([1], 8, 12) }, new Uint8Array(12)),
      '"b": must start at byte 4 of the data, got 8; bytes behind "a" are unused',
    ],
    [
      'bytes behind the last tensor',
      () => write({ a: tensor([1], 0, 4) }, new Uint8Array(7)),
      'data must end with "a" at byte 4, got 7 bytes of data',
    ],
    [
      'a nesting deeper than the call stack',
      () => write(`{"x": {"dtype": ${'{"x":'.repeat(1e5)}0${'}'.repeat(1e5)}}}`),
      'got something nested too deeply',
    ],
  ];
  test.each(cases)('%s', async (_, make, message) => {
    await make();
    const error = await readSafetensors(file).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CqError);
    expect((error as CqError).message).toContain(message);
    expect((error as CqError).message).toMatch(new RegExp(`^${file}: [^\\n]+$`));
  });
});

test('every truncation of a good file is an error', async () => {
  const bytes = writeSafetensors(new Map([['w', { shape: [5], data: Float32Array.of(1, 2, 3, 4, 5) }]]));
  await writeFile(file, bytes);
  for (let length = bytes.length - 1; length >= 0; length--) {
    await truncate(file, length);
    await expect(readSafetensors(file)).rejects.toThrow(CqError);
  }
});

test('a file that is not there, and a folder', async () => {
  await expect(readSafetensors(join(folder, 'none'))).rejects.toThrow(
    'none: does not exist; save the model in the safetensors',
  );
  await expect(readSafetensors(folder)).rejects.toThrow(`${folder}: must be a file, got a folder or device`);
});

test('a tensor whose values do not fill its shape is not written', () => {
  expect(() => writeSafetensors(new Map([['w', { shape: [2], data: new Float32Array(3) }]]))).toThrow(
    'safetensors: tensor "w": [2] does not have 3 values',
  );
});
