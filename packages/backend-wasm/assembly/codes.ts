// Codes in memory: int8, or int32 where they are wider than 8 bits.

/** Address of code `index`. */
@inline
export function codeAt(codes: usize, index: i32, wide: bool): usize {
  return codes + (<usize>index << (wide ? 2 : 0));
}

@inline
export function loadCode(address: usize, wide: bool): i32 {
  return wide ? load<i32>(address) : <i32>load<i8>(address);
}

@inline
export function storeCode(address: usize, code: i32, wide: bool): void {
  if (wide) store<i32>(address, code);
  else store<i8>(address, <i8>code);
}

/** 4 codes as int32. */
@inline
export function loadCodes4(address: usize, wide: bool): v128 {
  return wide ? v128.load(address) : i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(address)));
}

/** Stores 8 codes given as int32. */
@inline
export function storeCodes8(address: usize, first: v128, second: v128, wide: bool): void {
  if (wide) {
    v128.store(address, first);
    v128.store(address, second, 16);
  } else {
    const narrow = i16x8.narrow_i32x4_s(first, second);
    v128.store64_lane(address, i8x16.narrow_i16x8_s(narrow, narrow), 0);
  }
}
