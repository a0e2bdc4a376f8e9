import { collector } from './testing/cq.ts';
import { colors, count, duration, progressBar, readableBytes, significant, table } from './output.ts';
import type { Io } from './io.ts';

function io(env: Io['env'], isTTY: boolean): Io & { text(): string } {
  const { stream, text } = collector();
  const terminal = Object.assign(stream, { isTTY });
  return { stdout: terminal, stderr: terminal, env, signal: new AbortController().signal, text };
}

test('colours only on a terminal, and not against NO_COLOR', () => {
  expect(colors(io({}, true)).bold('x')).not.toBe('x');
  expect(colors(io({}, false)).bold('x')).toBe('x');
  expect(colors(io({ NO_COLOR: '1' }, true)).bold('x')).toBe('x');
});

test('numbers stand to the right, nothing trails', () => {
  expect(
    table(
      io({}, false),
      ['name', 'ms'],
      [
        ['a', '9.1'],
        ['long', '10.0'],
      ],
    ),
  ).toBe('  name    ms\n  a      9.1\n  long  10.0');
});

test('progress on a terminal, none elsewhere or with --json', () => {
  for (const [terminal, json, drawn] of [
    [true, false, true],
    [true, true, false],
    [false, false, false],
  ] as const) {
    const target = io({}, terminal);
    const bar = progressBar(target, 'work', json);
    bar.update(1, 2);
    bar.stop();
    expect(target.text() !== '').toBe(drawn);
    expect(target.text().includes('1/2')).toBe(drawn);
  }
});

test('numbers for people', () => {
  expect([999, 59_124, 1_500_000, 22_869_412].map(readableBytes)).toEqual(['1.0 kB', '59.1 kB', '1.50 MB', '22.9 MB']);
  expect([1.234, 123.45, 13_267].map(duration)).toEqual(['1.23 ms', '123.5 ms', '13.3 s']);
  expect(significant(0.000087244)).toBe('0.00008724');
  expect(count(5_717_416)).toBe('5,717,416');
});
