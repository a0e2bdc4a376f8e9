/** Tables as Markdown, for the terminal and for docs/benchmarks.md. */

/** Lines of a table; its columns from the second on stand to the right. */
function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)];
}

const milliseconds = (value) => `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
const megabytes = (bytes) => (Number.isFinite(bytes) ? `${Math.round(bytes / 1e6)} MB` : '?');
const times = (ratio) => (ratio === undefined ? '' : `${ratio.toFixed(2)}×`);

/** The whole page. A table that failed is a line. */
export function document({ date, command, machine, bars, deit = [], profile, kernels, scaling, minilm, training }) {
  const { cpu, cores, memory, node } = machine;
  const engines = [...new Set(deit.filter(({ engine }) => engine).map(({ engine, simd }) => `${engine} (${simd})`))];
  const section = (title, found, lines) =>
    found === undefined ? [] : ['', `## ${title}`, '', ...(found.error ? [`Failed: ${found.error}`] : lines(found))];
  return [
    '# Benchmarks',
    '',
    'Written by `npm run -s bench -- --write`. Every runtime has a process or page of its own; they run in turns, one',
    'inference each behind one that does not count, so that whatever else the machine does meets all of them; `speed` is',
    'the median of the first row by that of the row. A runtime whose outputs are not those of the first is marked and',
    'counts for no bar.',
    '',
    `- taken on ${date} with \`${command}\``,
    `- ${cpu}, ${cores} cores, ${memory} GB; ${engines.length > 0 ? engines.join(', ') : `Node ${node}`}`,
    ...section('What the kernels must reach', bars, barLines),
    ...deit.flatMap((table) => section(table.title ?? 'DeiT-Tiny', table, deitLines)),
    ...section('Where the time of DeiT-Tiny W8A8 goes, one thread, best times', profile, profileLines),
    ...section('Kernels, one thread', kernels, kernelLines),
    ...section('Sizes of DeiT, random weights, one thread', scaling, scalingLines),
    ...section('MiniLM-L6, 64 tokens, batch 1, one thread', minilm, miniLmLines),
    ...section('Training, one block of DeiT-Tiny in float, batch 8', training, trainingLines),
    '',
  ].join('\n');
}

function barLines(bars) {
  const measured = ({ value }) => (value === undefined ? '–' : value.toFixed(2));
  const verdict = ({ bar, value }) => (value === undefined ? 'not measured' : value >= bar ? 'yes' : '**no**');
  return table(
    ['work', 'at least', 'measured', 'met'],
    bars.map((row) => [row.work, row.bar.toFixed(2), measured(row), verdict(row)]),
  ).concat(reasons(bars));
}

/** Why bars are not met; those with one reason share it. */
function reasons(bars) {
  const found = new Map();
  for (const { work, evidence = [] } of bars) {
    for (const reason of evidence) found.set(reason, [...(found.get(reason) ?? []), work]);
  }
  if (found.size === 0) return [];
  return ['', 'What is not met, and why:', '', ...[...found].map(([text, works]) => `- ${works.join('; ')}: ${text}`)];
}

function deitLines({ rows, threads }) {
  return [
    ...raceLines(rows),
    ...(threads === 1 ? ['', 'Kernels that ran in one inference:', '', ...kernelNames(rows)] : []),
  ];
}

function raceLines(rows) {
  const agreement = ({ same, of, largestDifference, cosine, sound } = {}) =>
    of
      ? `${same} of ${of}, ${largestDifference.toFixed(2)}, ${cosine.toFixed(3)}${sound ? '' : ': **another model**'}`
      : '';
  const [first] = rows;
  return table(
    [
      'runtime',
      'threads',
      'median',
      'min',
      'max',
      'speed',
      'peak memory',
      'weights',
      'same top-1, largest difference, cosine',
    ],
    rows.map((row) =>
      row.error
        ? [row.name, '', `failed: ${row.error}`, '', '', '', '', '', '']
        : [
            ...[row.name, row.threads],
            ...['median', 'min', 'max'].map((key) => milliseconds(row.milliseconds[key])),
            ...[times(row.ratio), megabytes(row.peakBytes), `${(row.weightBytes / 1e6).toFixed(1)} MB`],
            row === first ? 'reference' : agreement(row.agreement),
          ],
    ),
  );
}

/** Runtimes with the same kernels, or that do not tell, share a line. */
function kernelNames(rows) {
  const lines = new Map();
  for (const { name, error, kernels } of rows) {
    if (error) continue;
    const names = Object.entries(kernels).map(([kernel, count]) => `${kernel} ${count}`);
    const text = names.join(', ') || 'not told';
    lines.set(text, [...(lines.get(text) ?? []), name]);
  }
  return [...lines].map(([text, names]) => `- ${names.join('; ')}: ${text}`);
}

/** Where weights have 4 bits or fewer, sums of int16 have room for a while. */
const WIDE = 'relaxed int8 dot to int16 + add';

export function kernelLines({ peaks, rows }) {
  const peakOf = ({ weightBits = 8 }) => (weightBits < 8 && peaks[WIDE]) || peaks['int16 dot + add'];
  return [
    ...Object.entries(peaks).map(([name, rate]) => `- peak of ${name}: ${rate.toFixed(1)} GMAC/s`),
    '',
    ...table(
      ['kernel', 'best', 'median', 'rate', 'of the peak'],
      rows.map((row) => [
        `${row.kernel} ${row.shape}${row.weightBits < 8 ? `, ${row.weightBits}-bit weights` : ''}`,
        ...[row.best, row.median].map((value) => `${(1000 * value).toFixed(0)} µs`),
        row.multiplications ? `${row.rate.toFixed(1)} GMAC/s` : `${row.rate.toFixed(2)} G elements/s`,
        row.multiplications ? `${((100 * row.rate) / peakOf(row)).toFixed(0)} %` : '',
      ]),
    ),
  ];
}

function scalingLines(sizes) {
  const cell = (row, text) => (row.error ? `failed: ${row.error}` : text(row));
  return table(
    ['size, batch', 'stock f32', 'W8A8', 'speed', 'peak memory, stock', 'peak memory, W8A8'],
    sizes.map(({ size, batch, stock, int8 }) => [
      `DeiT-${size}, ${batch}`,
      ...[stock, int8].map((row) => cell(row, ({ milliseconds: { median } }) => milliseconds(median))),
      int8.error ? '' : times(int8.ratio),
      ...[stock, int8].map((row) => cell(row, ({ peakBytes }) => megabytes(peakBytes))),
    ]),
  );
}

/** The largest parts of a profile; the rest in one row. */
function profileLines({ between, rows }, shown = 12) {
  const cost = ({ count, best }) => count * best;
  const sum = (list) => list.reduce((total, row) => total + cost(row), 0);
  const whole = sum(rows) + between;
  const share = (value) => [milliseconds(value), `${((100 * value) / whole).toFixed(0)} %`];
  return table(
    ['kernel', 'times', 'each', 'rate', 'together', 'share'],
    [
      ...rows
        .slice(0, shown)
        .map((row) => [
          `${row.kernel} ${row.shape}`,
          row.count.toFixed(0),
          `${(1000 * row.best).toFixed(0)} µs`,
          row.multiplications ? `${(row.multiplications / row.best / 1e6).toFixed(1)} GMAC/s` : '',
          ...share(cost(row)),
        ]),
      ['other kernels', '', '', '', ...share(sum(rows.slice(shown)))],
      ['TensorFlow.js between the kernels', '', '', '', ...share(between)],
      ['whole inference', '', '', '', ...share(whole)],
    ],
  );
}

function miniLmLines({ rows, profiles }) {
  return [
    ...raceLines(rows),
    '',
    'Where the time goes, best times; W8A8, then stock:',
    '',
    ...profileLines(profiles.int8),
    '',
    ...profileLines(profiles.stock),
  ];
}

function trainingLines(rows) {
  return table(
    ['kernels', 'forward and backward, median', 'min', 'max', 'useful rate'],
    rows.map(({ name, error, milliseconds: times, rate }) =>
      error
        ? [name, `failed: ${error}`, '', '', '']
        : [name, ...['median', 'min', 'max'].map((key) => milliseconds(times[key])), `${rate.toFixed(1)} GMAC/s`],
    ),
  );
}
