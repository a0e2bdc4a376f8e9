import { ofBase, ofDeit, ofMiniLm, ofThreads } from './evidence.mjs';

/**
 * What the kernels must reach, and how it is read off the tables. A bar whose rows are missing has no measured value; one that
 * is not met says why.
 */
export function bars(results) {
  return rows(results).map(({ evidence, ...bar }) => {
    const missed = bar.value < bar.bar;
    return { ...bar, ...(missed && evidence && { evidence: evidence() }) };
  });
}

function rows({ deit = [], profile, kernels, scaling, minilm, training }) {
  const tables = deit.filter(({ error }) => !error);
  const node = tables.find(({ browser, threads }) => !browser && threads === 1);
  const page = tables.find(({ browser, threads }) => browser && threads === 1);
  const why = (table, peers) => () => ofDeit({ table, peers, profile });
  const both = (work, bar, read, peers) => [
    { work: `${work}, Node`, bar, value: node && read(node), evidence: peers && why(node, peers) },
    { work: `${work}, Chromium`, bar, value: page && read(page), evidence: peers && why(page, peers) },
  ];
  const threaded = tables.filter(({ threads }) => threads === 2);
  return [
    ...both('DeiT-Tiny W8A8 against stock TensorFlow.js', 6, faster('int8', 'stock'), ['stock']),
    ...both('the same against the fastest of onnxruntime-web', 1.8, faster('int8', 'ort'), ['ort']),
    {
      work: 'the same against the fastest of LiteRT.js, Chromium',
      bar: 1.5,
      value: page && faster('int8', 'litert')(page),
      evidence: why(page, ['litert']),
    },
    ...both('the same against our own float path', 2.2, faster('int8', 'float'), ['float']),
    ...both('W4A8 against stock TensorFlow.js', 7, faster('w4a8', 'stock')),
    ...both('W4A8 against our W8A8', 1.2, faster('w4a8', 'int8')),
    {
      work: 'DeiT-Base size W8A8: ratio to stock by that at Tiny size, batch 1',
      bar: 1,
      value: growth(scaling),
      evidence: () => ofBase(scaling),
    },
    { work: 'int8 linear 197 × 768 × 3072, of the measured peak', bar: 0.8, value: ofPeak(kernels) },
    ...[
      [50, 1.3],
      [75, 2],
    ].map(([percent, bar]) => ({
      work: `the same with ${percent} % of its tiles zero, against all of it`,
      bar,
      value: kernels?.rows?.find(({ shape }) => shape.endsWith(`${percent} % of tiles zero`))?.gain,
    })),
    { work: '4-bit linear, same shape, against our int8', bar: 1.3, value: narrow(kernels) },
    {
      work: 'MiniLM W8A8, 64 tokens, against stock TensorFlow.js',
      bar: 4,
      value: minilm?.rows && faster('int8', 'stock')(minilm),
      evidence: () => ofMiniLm(minilm),
    },
    {
      work: 'training, useful rate of one DeiT-Tiny block, batch 8, one thread, GMAC/s',
      bar: 8,
      value: useful(training, 1),
    },
    { work: 'the same on two threads', bar: 13, value: useful(training, 2) },
    ...threaded.flatMap((table) => [
      {
        work: `two threads against one, DeiT-Tiny W8A8, ${table.engine}`,
        bar: 1.6,
        value: second(table, 'int8-single'),
        evidence: () => ofThreads(table),
      },
      {
        work: `the same against the fastest peer with two, ${table.engine}`,
        bar: 1.4,
        value: second(table, 'ort', 'litert'),
        evidence: () => ofThreads(table),
      },
    ]),
    { work: 'f32 weights by weights at W4, bytes', bar: 7, value: miniatures(tables) },
  ];
}

/** How many times faster the first is than the fastest sound one of the others. */
const faster =
  (id, ...others) =>
  ({ rows }) => {
    const [own] = medians(rows, [id]);
    const theirs = medians(rows, others);
    return own && theirs.length > 0 ? Math.min(...theirs) / own : undefined;
  };

const medians = (rows, ids) =>
  rows
    .filter(({ id, error, agreement }) => ids.includes(id) && !error && (agreement?.sound ?? true))
    .map(({ milliseconds }) => milliseconds.median);

/** Only where ours really has two threads. */
function second(table, ...others) {
  const own = table.rows.find(({ id }) => id === 'int8');
  return own?.threads === 2 ? faster('int8', ...others)(table) : undefined;
}

function growth(scaling) {
  if (!Array.isArray(scaling)) return undefined;
  const [tiny, base] = ['Tiny', 'Base'].map(
    (name) => scaling.find(({ size, batch }) => size === name && batch === 1)?.int8.ratio,
  );
  return base && tiny && base / tiny;
}

const largest = (kernels, bits) =>
  kernels?.rows?.find(
    ({ kernel, shape, weightBits }) =>
      kernel === 'CqLinear' && shape.startsWith('197 × 768 × 3072') && weightBits === bits,
  )?.rate;

function ofPeak(kernels) {
  const rate = largest(kernels, 8);
  return rate && rate / kernels.peaks['int16 dot + add'];
}

function narrow(kernels) {
  const [four, eight] = [4, 8].map((bits) => largest(kernels, bits));
  return four && eight && four / eight;
}

function miniatures(tables) {
  const bytes = (id) => tables.flatMap(({ rows }) => rows).find((row) => row.id === id)?.weightBytes;
  const [narrowest, float] = [bytes('w4a8'), bytes('stock')];
  return narrowest && float && float / narrowest;
}

const useful = (training, threads) =>
  Array.isArray(training) ? training.findLast((row) => row.threads === threads)?.rate : undefined;
