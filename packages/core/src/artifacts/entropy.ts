import { CqError } from '../errors.ts';

/**
 * Bytes with as few bits each as their frequency allows: asymmetric numeral systems with one table for all bytes, a state of
 * 31 bits, and a byte at a time in and out. Half of the codes of a masked weight are 0, and take one bit of eight.
 *
 *     frequencies of the bytes 0 to 255, of 4096 (uint16 each) | state (uint32) | the bytes that the state takes in, in order
 *
 * Little-endian. Source: Duda 2014 (arXiv:1311.2540), range variant; the order of bytes is ours.
 */
export function entropyCoded(bytes: Uint8Array): Uint8Array {
  const frequencies = frequenciesOf(bytes);
  const starts = startsOf(frequencies);
  const taken: number[] = [];
  const { floor } = Math;
  let state = LOWEST;
  for (let i = bytes.length - 1; i >= 0; i--) {
    const frequency = frequencies[bytes[i]!]!;
    for (const most = (LOWEST / TOTAL) * 256 * frequency; state >= most; state = floor(state / 256))
      taken.push(state & 255);
    state = floor(state / frequency) * TOTAL + (state % frequency) + starts[bytes[i]!]!;
  }
  const coded = new Uint8Array(HEADER + taken.length);
  const view = new DataView(coded.buffer);
  frequencies.forEach((frequency, byte) => view.setUint16(2 * byte, frequency, true));
  view.setUint32(2 * BYTES, state, true);
  coded.set(taken.reverse(), HEADER);
  return coded;
}

/**
 * The bytes that were coded, `length` of them.
 * @param what Whose they are, for errors.
 * @throws CqError if this is no such code of so many bytes.
 */
export function entropyDecoded(coded: Uint8Array, length: number, what: string): Uint8Array {
  if (coded.length < HEADER) throw wrong(what, `must have ${HEADER} bytes or more`, coded.length);
  if (length > MOST_TIMES * coded.length)
    throw wrong(what, `must stand for at most ${MOST_TIMES} times as many bytes as they are`, length);
  const view = new DataView(coded.buffer, coded.byteOffset, coded.length);
  const frequencies = Uint16Array.from({ length: BYTES }, (_, byte) => view.getUint16(2 * byte, true));
  const total = frequencies.reduce((sum, frequency) => sum + frequency, 0);
  if (total !== TOTAL) throw wrong(what, `must have frequencies with the sum ${TOTAL}`, total);
  const starts = startsOf(frequencies);
  const byteAt = new Uint8Array(TOTAL);
  frequencies.forEach((frequency, byte) => byteAt.fill(byte, starts[byte], starts[byte]! + frequency));
  let state = view.getUint32(2 * BYTES, true);
  if (!(state >= LOWEST && state < 256 * LOWEST)) throw wrong(what, 'must begin with a state of 24 to 31 bits', state);
  let at = HEADER;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const slot = state & (TOTAL - 1);
    const byte = byteAt[slot]!;
    bytes[i] = byte;
    state = frequencies[byte]! * (state >>> TOTAL_BITS) + slot - starts[byte]!;
    for (; state < LOWEST; state = (state << 8) | coded[at++]!)
      if (at === coded.length) throw wrong(what, `must have all of their ${length} bytes`, i);
  }
  if (state !== LOWEST || at !== coded.length) throw wrong(what, `must end with byte ${length}`, coded.length - at);
  return bytes;
}

/** How many times as long as its code a file may say that something is. */
export const MOST_TIMES = 64;

const BYTES = 256;
const TOTAL_BITS = 12;
const TOTAL = 2 ** TOTAL_BITS;
const LOWEST = 2 ** 23;
const HEADER = 2 * BYTES + 4;

/** How often each byte is there, in 4096ths, at least 1 if it is there at all. */
function frequenciesOf(bytes: Uint8Array): Uint16Array {
  const counts = new Float64Array(BYTES);
  for (const byte of bytes) counts[byte]!++;
  if (bytes.length === 0) counts[0] = 1;
  const all = Math.max(bytes.length, 1);
  const frequencies = Uint16Array.from(counts, (count) =>
    count === 0 ? 0 : Math.max(1, Math.floor((count * TOTAL) / all)),
  );
  for (let left = TOTAL - frequencies.reduce((sum, value) => sum + value, 0); left !== 0; left -= Math.sign(left))
    frequencies[frequencies.indexOf(Math.max(...frequencies))]! += Math.sign(left);
  return frequencies;
}

function startsOf(frequencies: Uint16Array): Uint16Array {
  let start = 0;
  return frequencies.map((frequency) => (start += frequency) - frequency);
}

const wrong = (what: string, must: string, got: number): CqError =>
  new CqError(`${what}: coded bytes ${must}, got ${got}; the file is damaged`);
