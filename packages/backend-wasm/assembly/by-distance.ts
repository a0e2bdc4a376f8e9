import { EXPONENTIALS } from './exponentials';
import { PAIR } from './tile';

// Levels of many cells for one query, where exponentials never rise with the distance of a logit code from the largest: nor does
// the cell then, so that one walk down the boundaries finds it for all distances, and a key reads its level by its code.

/** Fewer keys find their cells sooner one by one. */
export const LEAST_KEYS: i32 = 48;

/** The levels of all distances, int32 [512], of which the second half is that of a share of 0. */
export function levelsByDistance(exponentials: usize, ratio: f32, top: i32, boundaries: usize, levels: usize, to: usize): void {
  let cell: usize = <usize>top << 2;
  let level = load<i32>(levels + cell);
  for (let d = 0; d <= EXPONENTIALS; d++) {
    const share: f32 = d == EXPONENTIALS ? 0 : <f32>load<i32>(exponentials + (<usize>d << 2)) * ratio;
    while (cell > 0 && !(share >= load<f32>(boundaries + cell - 4))) {
      cell -= 4;
      level = load<i32>(levels + cell);
    }
    const at = to + (<usize>d << 2);
    if (cell == 0 || d == EXPONENTIALS) {
      for (let rest = at; rest < to + (<usize>EXPONENTIALS << 3); rest += 4) store<i32>(rest, level);
      return;
    }
    store<i32>(at, level);
  }
}

/** The levels of a row of logit codes, int16 times 4, into one row of a tile; `levels`: address of that of code 0. */
export function levelsOf(row: usize, count: i32, levels: usize, to: usize): void {
  for (const end = row + (<usize>count << 1); row < end; row += 8, to += 2 * PAIR) {
    store<i16>(to, load<i16>(levels - load<i16>(row)));
    store<i16>(to, load<i16>(levels - load<i16>(row, 2)), 2);
    store<i16>(to, load<i16>(levels - load<i16>(row, 4)), 16);
    store<i16>(to, load<i16>(levels - load<i16>(row, 6)), 18);
  }
}
