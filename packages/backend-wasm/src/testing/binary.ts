/** Just enough of the WebAssembly binary format to say what a module holds. */
export interface Contents {
  /** Ids of its sections; see `section`. */
  readonly sections: readonly number[];
  /** First bytes of its instructions. */
  readonly opcodes: ReadonlySet<number>;
  /** Numbers of its vector instructions; those of relaxed SIMD are 0x100 and more. */
  readonly vectors: ReadonlySet<number>;
}

export const section = { custom: 0, type: 1, import: 2, function: 3, global: 6, export: 7, code: 10 } as const;
export const MEMORY_GROW = 0x40;
/** `i8x16.relaxed_swizzle`, which is `i8x16.swizzle` for indices below 16. */
export const RELAXED_SWIZZLE = 0x100;
/** `i16x8.relaxed_dot_i8x16_i7x16_s` */
export const RELAXED_DOT = 0x112;

const HEADER = 8;
const MISC = 0xfc;
const SIMD = 0xfd;

export function contentsOf(bytes: Uint8Array): Contents {
  const sections: number[] = [];
  const opcodes = new Set<number>();
  const vectors = new Set<number>();
  const reader = readerOf(bytes, HEADER);
  while (reader.at() < bytes.length) {
    const id = reader.byte();
    const end = reader.leb() + reader.at();
    sections.push(id);
    if (id === section.code) {
      for (let functions = reader.leb(); functions > 0; functions--) {
        const functionEnd = reader.leb() + reader.at();
        for (let locals = reader.leb(); locals > 0; locals--) {
          reader.leb();
          reader.byte();
        }
        while (reader.at() < functionEnd) opcodes.add(instruction(reader, vectors));
        if (reader.at() !== functionEnd) throw new Error(`an instruction runs over the end of its function`);
      }
    }
    reader.skip(end - reader.at());
  }
  return { sections, opcodes, vectors };
}

type Reader = ReturnType<typeof readerOf>;

function readerOf(bytes: Uint8Array, start: number) {
  let at = start;
  const byte = () => bytes[at++]!;
  return {
    at: () => at,
    byte,
    /** An unsigned number; of a signed one, the right length. */
    leb() {
      let [value, factor, last] = [0, 1, 128];
      for (; last & 128; factor *= 128) value += ((last = byte()) & 127) * factor;
      return value;
    },
    skip(count: number) {
      at += count;
    },
  };
}

/** Reads one instruction with its immediates; returns its first byte. */
function instruction({ byte, leb, skip }: Reader, vectors: Set<number>): number {
  const opcode = byte();
  const kind = opcode === MISC || opcode === SIMD ? leb() : 0;
  if (opcode === SIMD) vectors.add(kind);
  const labels = opcode === 0x0e ? leb() : 0;
  for (let i = numbers(opcode, kind) + labels; i > 0; i--) leb();
  skip(bytesAfter(opcode, kind));
  return opcode;
}

const between = (low: number, value: number, high: number): boolean => low <= value && value <= high;

/** How many LEB128 numbers follow: labels, indices, alignment with offset, integer constants. */
function numbers(opcode: number, kind: number): number {
  if (opcode === MISC) return [8, 10, 12, 14].includes(kind) ? 2 : between(8, kind, 17) ? 1 : 0;
  if (opcode === SIMD) return between(0, kind, 11) || between(84, kind, 93) ? 2 : 0;
  if (opcode === 0x11 || between(0x28, opcode, 0x3e)) return 2;
  const one: readonly (readonly [number, number])[] = [
    [0x02, 0x04],
    [0x0c, 0x0e],
    [0x10, 0x10],
    [0x20, 0x26],
    [0x3f, 0x42],
  ];
  return one.some(([low, high]) => between(low, opcode, high)) ? 1 : 0;
}

/** How many plain bytes follow those: float constants, vectors, lanes. */
function bytesAfter(opcode: number, kind: number): number {
  if (opcode === 0x43 || opcode === 0x44) return opcode === 0x43 ? 4 : 8;
  if (opcode !== SIMD) return 0;
  return between(12, kind, 13) ? 16 : between(21, kind, 34) || between(84, kind, 91) ? 1 : 0;
}
