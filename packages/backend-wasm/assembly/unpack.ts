// Panels of a weight, 8 outputs each, in the layouts of core/runtime/panel.ts: codes of 8 bits lie as kernels read them
// (`k2n8`), those of 1 to 4 bits are unpacked once for many rows (`k16n8`).

/** Bytes of a vector, codes of a line. */
const LINE: usize = 16;
/** Codes of a block of 16 inputs. */
const BLOCK: usize = 128;

@inline
function blocks(inputs: i32): usize {
  return <usize>(inputs + 15) >> 4;
}

/** Bytes of a panel whose codes are stored in so many bits; 16: those of a widened one. */
export function panelBytes(inputs: i32, bits: i32): usize {
  return bits >= 8 ? (<usize>(inputs + 1) >> 1) * LINE * <usize>(bits >> 3) : blocks(inputs) * LINE * <usize>bits;
}

/** Bytes that a panel takes when it is unpacked. */
export function unpackedBytes(inputs: i32, bits: i32): usize {
  return bits == 8 ? 0 : blocks(inputs) * BLOCK;
}

/** A panel as int8 pairs, `[pairs][8 outputs][2]`: where it lies, or unpacked to `to`. Returns its address. */
export function pairsOf(w: usize, inputs: i32, bits: i32, to: usize): usize {
  if (bits == 8) return w;
  linesOf(w, inputs, bits, to);
  const half = i8x16.splat(<i8>(<i32>1 << (bits - 1)));
  for (const end = to + unpackedBytes(inputs, bits); to < end; to += 2 * LINE) {
    const first = i8x16.sub(v128.load(to), half);
    const second = i8x16.sub(v128.load(to, 16), half);
    v128.store(to, i16x8.shuffle(first, second, 0, 2, 4, 6, 8, 10, 12, 14));
    v128.store(to, i16x8.shuffle(first, second, 1, 3, 5, 7, 9, 11, 13, 15), 16);
  }
  return to - unpackedBytes(inputs, bits);
}

/** Bytes that a panel takes when it is widened, while that happens included. */
export function widenedBytes(inputs: i32, bits: i32): usize {
  return bits == 8 ? (<usize>(inputs + 1) >> 1) * 2 * LINE : 2 * unpackedBytes(inputs, bits);
}

/** Bytes of a block of 8 outputs by 16 inputs as int8 pairs: what is left out where all its codes are zero. */
const ZEROS: usize = 8 * LINE;

/** Bytes of the runs of a panel. */
export function runBytes(inputs: i32): usize {
  return ((<usize>inputs >> 4) + 1) << 3;
}

/**
 * A panel as int16 pairs, `[pairs][8 outputs][2]`, in `to`, without the blocks that are zero. Where runs of the others begin and end
 * in a tile, uint32 bytes, goes to `runs`; returns how many there are.
 */
export function widened(w: usize, inputs: i32, bits: i32, to: usize, runs: usize): i32 {
  // Narrow pairs stand so far behind that wide ones never reach those that are still to be read.
  const narrow = pairsOf(w, inputs, bits, to + unpackedBytes(inputs, bits));
  const bytes = (<usize>(inputs + 1) >> 1) * LINE;
  let count = 0;
  let last: usize = bytes; // where the last block that is not zero ends
  for (let at: usize = 0; at < bytes; ) {
    const end = min<usize>(at + ZEROS, bytes);
    let any = v128.load(narrow + at);
    for (let next = at + LINE; next < end; next += LINE) any = v128.or(any, v128.load(narrow + next));
    if (!v128.any_true(any)) {
      at = end;
      continue;
    }
    if (at != last) {
      store<u32>(runs + (<usize>count << 3), <u32>at);
      count++;
    }
    for (; at < end; at += LINE, to += 2 * LINE) {
      const codes = v128.load(narrow + at);
      v128.store(to, i16x8.extend_low_i8x16_s(codes));
      v128.store(to, i16x8.extend_high_i8x16_s(codes), 16);
    }
    last = end;
    store<u32>(runs + (<usize>count << 3) - 4, <u32>end);
  }
  return count;
}

/** A panel of 1 to 4 bits as lines of unsigned bytes, `[quads][8 outputs][4]`, in `to`. Returns `to`. */
export function linesOf(w: usize, inputs: i32, bits: i32, to: usize): usize {
  for (const end = w + panelBytes(inputs, bits); w < end; w += LINE * <usize>bits, to += BLOCK) {
    if (bits == 4) {
      fourBits(w, to);
      fourBits(w + LINE, to + 2 * LINE);
      fourBits(w + 2 * LINE, to + 4 * LINE);
      fourBits(w + 3 * LINE, to + 6 * LINE);
    } else if (bits == 1) {
      oneBit(w, to);
    } else {
      twoBits(w, to);
      twoBits(w + LINE, to + 4 * LINE);
      if (bits == 3) thirdBit(w + 2 * LINE, to);
    }
  }
  return to - unpackedBytes(inputs, bits);
}

function fourBits(w: usize, to: usize): void {
  const codes = v128.load(w);
  const mask = i8x16.splat(15);
  v128.store(to, v128.and(codes, mask));
  v128.store(to, v128.and(i16x8.shr_u(codes, 4), mask), 16);
}

function twoBits(w: usize, to: usize): void {
  const codes = v128.load(w);
  const mask = i8x16.splat(3);
  v128.store(to, v128.and(codes, mask));
  v128.store(to, v128.and(i16x8.shr_u(codes, 2), mask), 16);
  v128.store(to, v128.and(i16x8.shr_u(codes, 4), mask), 32);
  v128.store(to, v128.and(i16x8.shr_u(codes, 6), mask), 48);
}

function oneBit(w: usize, to: usize): void {
  const mask = i8x16.splat(1);
  for (let codes = v128.load(w), end = to + BLOCK; to < end; to += LINE, codes = i16x8.shr_u(codes, 1)) {
    v128.store(to, v128.and(codes, mask));
  }
}

/** Puts the high bit of 3 to the two that are there. */
function thirdBit(w: usize, to: usize): void {
  const mask = i8x16.splat(4);
  for (let codes = v128.load(w), end = to + BLOCK; to < end; to += LINE, codes = i16x8.shr_u(codes, 1)) {
    v128.store(to, v128.or(v128.load(to), v128.and(i16x8.shl(codes, 2), mask)));
  }
}
