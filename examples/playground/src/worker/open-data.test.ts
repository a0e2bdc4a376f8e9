import { rowsOf } from './open-data.ts';

test.each([
  ['a,b\nc,d', [['a', 'b'], ['c', 'd']]], // prettier-ignore
  ['"x, y",1\r\n"say ""so""",0\r\n', [['x, y', '1'], ['say "so"', '0']]], // prettier-ignore
  ['"two\nlines",1', [['two\nlines', '1']]],
  ['', []],
])('the cells of %j', (csv, rows) => expect(rowsOf(csv)).toEqual(rows));
