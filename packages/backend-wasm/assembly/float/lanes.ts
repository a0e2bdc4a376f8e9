// A row goes through 4 lanes: number i through lane i mod 4. What is left at its end goes through the first of them.

/** The next 4 numbers; where fewer are left, `rest` fills the other lanes. */
@inline
export function load4(at: usize, left: i32, rest: v128): v128 {
  return left >= 4 ? v128.load(at) : loadSome(at, left, rest);
}

function loadSome(at: usize, left: i32, rest: v128): v128 {
  rest = v128.load32_lane(at, rest, 0);
  if (left > 1) rest = v128.load32_lane(at, rest, 1, 4);
  if (left > 2) rest = v128.load32_lane(at, rest, 2, 8);
  return rest;
}

@inline
export function store4(at: usize, value: v128, left: i32): void {
  if (left >= 4) v128.store(at, value);
  else storeSome(at, value, left);
}

function storeSome(at: usize, value: v128, left: i32): void {
  v128.store32_lane(at, value, 0);
  if (left > 1) v128.store32_lane(at, value, 1, 4);
  if (left > 2) v128.store32_lane(at, value, 2, 8);
}

/** (lane 0 + lane 2) + (lane 1 + lane 3) */
@inline
export function sumOf4(lanes: v128): f32 {
  const pairs = f32x4.add(lanes, i64x2.shuffle(lanes, lanes, 1, 0));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

@inline
export function maxOf4(lanes: v128): f32 {
  const pairs = f32x4.pmax(lanes, i64x2.shuffle(lanes, lanes, 1, 0));
  return max<f32>(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}
