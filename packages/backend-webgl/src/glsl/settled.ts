import { perTexel, type ElementBits } from '../texture.ts';

/** Expressions and statements of GLSL; `row` and `i` are the names of ints. */
interface Codes {
  /** What both need of code i. */
  readonly prepare?: (i: string) => string;
  /** The code, of which it may set the global `unsure`. */
  readonly quick: (row: string, i: string) => string;
  /** The code where it was unsure. */
  readonly exact: (row: string, i: string) => string;
}

/**
 * Makes `uint words[4 · rows]`: the codes of a texel of each row. Unsure codes are finished behind the others, one at a time:
 * software takes both sides of every branch, so that a branch would have each code pay for the slow way that one in a thousand
 * needs; only a loop ends where nothing is left to do. Its end is tested at its foot, since a loop that tests at its head goes
 * through its body once more. Needs `uint64`.
 */
export function settled(bits: ElementBits, rows: number, { prepare, quick, exact }: Codes): string {
  const count = perTexel(bits);
  const mask = bits === 32 ? '0xffffffffu' : `${2 ** bits - 1}u`;
  const marks = Array.from({ length: rows }, (_, row) => `marks[${row}]`);
  return `uint words[${rows * 4}];
  uint marks[${rows}];
  ${Array.from({ length: rows * 4 }, (_, i) => `words[${i}] = 0u;`).join(' ')}
  ${marks.map((mark) => `${mark} = 0u;`).join(' ')}
  int i = 0;
  do {
    ${prepare?.('i') ?? ''}
    int row = 0;
    do {
      unsure = false;
      uint code = (${quick('row', 'i')}) & ${mask};
      words[row * 4 + i / ${count / 4}] |= code << ((i % ${count / 4}) * ${bits});
      if (unsure) marks[row] |= 1u << i;
      row++;
    } while (row < ${rows});
    i++;
  } while (i < ${count});
  uint left = 0u;
  do {
    int row = 0;
    ${rows > 1 ? `while (row < ${rows - 1} && marks[row] == 0u) row++;` : ''}
    uint mark = marks[row] & (0u - marks[row]);
    marks[row] ^= mark;
    int at = int(highest(mark));
    ${prepare?.('at') ?? ''}
    uint code = (${exact('row', 'at')}) & ${mask};
    int word = row * 4 + at / ${count / 4};
    int place = (at % ${count / 4}) * ${bits};
    if (mark != 0u) words[word] = (words[word] & ~(${mask} << place)) | (code << place);
    left = ${marks.join(' | ')};
  } while (left != 0u);`;
}
