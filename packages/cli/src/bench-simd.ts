/** The widest vector instructions that WebAssembly has here. */
export type SimdLevel = 'relaxed SIMD' | 'SIMD' | 'no SIMD';

export function simdLevel(): SimdLevel {
  if (validates(SPLAT, SPLAT, RELAXED_SWIZZLE)) return 'relaxed SIMD';
  return validates(SPLAT) ? 'SIMD' : 'no SIMD';
}

/** What one line says of several processes. */
export function widest(levels: readonly SimdLevel[]): SimdLevel {
  return (['relaxed SIMD', 'SIMD'] as const).find((level) => levels.includes(level)) ?? 'no SIMD';
}

/** `i8x16.splat(1)`. */
const SPLAT = [0x41, 1, 0xfd, 15];
const RELAXED_SWIZZLE = [0xfd, 0x80, 2];

/** Whether a module is sound whose only function, without parameters, leaves one vector on the stack. */
function validates(...instructions: readonly (readonly number[])[]): boolean {
  const body = [0, ...instructions.flat(), 0x0b];
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0];
  return WebAssembly.validate(Uint8Array.from([...header, 10, body.length + 2, 1, body.length, ...body]));
}
