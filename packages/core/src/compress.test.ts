import {
  build,
  compress,
  definePass,
  edit,
  memoryStore,
  readSnapshot,
  writeSnapshot,
  type CompressOptions,
  type Dataset,
  type Graph,
  type Pass,
  type Store,
} from './index.ts';

/** y = x · first · second. */
function product(second: readonly number[] = [5, 6, 7, 8], epsilon = 0.5): Graph {
  const b = build();
  const weight = (name: string, data: readonly number[]): string => b.weight(name, [2, 2], Float32Array.from(data));
  const x = b.input('x', 'float32', [-1, 2]);
  const between = b.node('between', 'MatMul', [x, weight('first', [1, 2, 3, 4])]);
  const scaled = b.node('scaled', 'LeakyRelu', [between], { alpha: epsilon });
  b.output('y', b.node('product', 'MatMul', [scaled, weight('second', second)]), [-1, 2]);
  return b.graph({ task: 'product' });
}

/** Which passes ran, and which of their parts, since `worked` was last emptied. */
const worked: string[] = [];
beforeEach(() => (worked.length = 0));

/** Multiplies the weights one after the other, and keeps each. */
const scale = definePass<{ readonly factor: number; readonly only?: readonly string[] }>({
  name: 'scale',
  defaults: { factor: 2 },
  optional: ['only'],
  async run(graph, { factor, only }, { seed, signal, ...context }) {
    worked.push(`scale by ${factor}`);
    const names = [...graph.weights.keys()].filter((name) => only?.includes(name) ?? true);
    for (const [i, name] of names.entries()) {
      signal.throwIfAborted();
      const weight = graph.weights.get(name)!;
      let kept = context.store && (await readSnapshot<number>(context.store, name));
      if (!kept) {
        worked.push(name);
        kept = { state: seed, arrays: { data: weight.data.map((value) => value * factor + seed) } };
        if (context.store) await writeSnapshot(context.store, name, kept);
      }
      graph = edit(graph, { weights: [{ ...weight, data: kept.arrays['data'] as Float32Array }] });
      context.changed(name, { seed: kept.state });
      context.progress(i + 1, names.length);
    }
    return graph;
  },
});

const nothing = definePass({
  name: 'nothing',
  defaults: {},
  run(graph: Graph, _, { skipped }) {
    worked.push('nothing');
    skipped('first', 'as always');
    return graph;
  },
});

const recipe = (): readonly Pass[] => [scale(), nothing(), scale({ factor: 3, only: ['second'] })];

/** A store in the open. */
function openStore(entries = new Map<string, Uint8Array<ArrayBuffer>>()) {
  const store: Store = {
    read: (key) => Promise.resolve(entries.get(key)?.slice()),
    write: (key, bytes) => Promise.resolve(void entries.set(key, Uint8Array.from(bytes))),
    async remove(key) {
      for (const other of [...entries.keys()]) if (other === key || other.startsWith(`${key}/`)) entries.delete(other);
    },
  };
  return { store, entries };
}

/** All of a result but how long it took. */
async function outcome(run: ReturnType<typeof compress>) {
  const { graph, report } = await run;
  const { nodes, weights, ...rest } = graph;
  const passes = report.passes.map(({ milliseconds: _, ...said }) => said);
  return JSON.stringify([[...nodes], [...weights.values()], rest, report.seed, passes]);
}

describe('a run in a store', () => {
  test('gives what it gives without one', async () => {
    const { store, entries } = openStore();
    const plain = await outcome(compress(product(), recipe()));
    expect(await outcome(compress(product(), recipe(), { store }))).toBe(plain);
    expect([...entries.keys()]).toEqual(['run', 'pass-1/finished', 'pass-2/finished', 'pass-3/finished']);
  });

  test('that is finished is not run again, and says the same, times included', async () => {
    const { store } = openStore();
    const first = await compress(product(), recipe(), { store });
    worked.length = 0;
    const second = await compress(product(), recipe(), { store });
    expect(worked).toEqual([]);
    expect(second.report).toEqual(first.report);
    expect(await outcome(Promise.resolve(second))).toBe(await outcome(Promise.resolve(first)));
  });

  test('that was aborted goes on with the pass, and the part of it, that was not finished', async () => {
    const plain = await outcome(compress(product(), recipe()));
    const { store, entries } = openStore();
    const controller = new AbortController();
    const aborted = compress(product(), recipe(), {
      store,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(aborted).rejects.toThrow(/abort/i);
    expect([...entries.keys()]).toEqual(['run', 'pass-1/parts/first']);
    worked.length = 0;
    expect(await outcome(compress(product(), recipe(), { store }))).toBe(plain);
    expect(worked).toEqual(['scale by 2', 'second', 'nothing', 'scale by 3', 'second']);
  });

  test('keeps bytes only for weights that a pass has changed', async () => {
    const { store, entries } = openStore();
    const b = build();
    const [x, big] = [b.input('x', 'float32', [-1, 1000]), b.weight('big', [1000, 1000], new Float32Array(1e6))];
    const z = b.node('z', 'MatMul', [x, big]);
    b.output('y', b.node('sum', 'AddV2', [z, b.weight('small', [1], Float32Array.of(1))]), [-1, 1000]);
    const { graph } = await compress(b.graph(), [scale({ only: ['small'] })], { store });
    expect(entries.get('pass-1/finished')!.length).toBeLessThan(2000);
    worked.length = 0;
    const again = await compress(b.graph(), [scale({ only: ['small'] })], { store });
    expect(worked).toEqual([]);
    expect([...again.graph.weights]).toEqual([...graph.weights]);
  });

  test('killed at any operation of its store, torn entries included, ends with the same bytes', async () => {
    const plain = await outcome(compress(product(), recipe()));
    for (const torn of [0, 1, 40, Infinity]) {
      let operations = 0;
      for (let survived = 0; ; survived++) {
        const { store, entries } = openStore();
        let left = survived;
        const dying: Store = {
          async read(key) {
            if (left-- <= 0) throw new Error('killed');
            return store.read(key);
          },
          async write(key, bytes) {
            if (left-- > 0) return store.write(key, bytes);
            if (torn > 0) await store.write(key, bytes.slice(0, torn));
            throw new Error('killed');
          },
          async remove(key) {
            if (left-- <= 0) throw new Error('killed');
            await store.remove(key);
          },
        };
        const died = await compress(product(), recipe(), { store: dying }).then(
          () => false,
          (error: Error) => error.message === 'killed',
        );
        expect(await outcome(compress(product(), recipe(), { store }))).toBe(plain);
        expect([...entries.keys()].filter((key) => key.includes('parts'))).toEqual([]);
        operations++;
        if (!died) break;
      }
      expect(operations).toBeGreaterThan(15);
    }
  });

  test('an entry that was spoiled, cut off or taken from elsewhere is not believed', async () => {
    const plain = await outcome(compress(product(), recipe()));
    const sound = openStore();
    await compress(product(), recipe(), { store: sound.store });
    const [of1, of3] = ['pass-1/finished', 'pass-3/finished'].map((key) => sound.entries.get(key)!);
    const other = openStore();
    await compress(product(), recipe(), { store: other.store, seed: 2 });
    const flipped = (bytes: Uint8Array, at: number) =>
      Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 1 : byte));
    const spoiled = [
      ...[0, 31, 40, of1!.length - 1].map((at) => flipped(of1!, at)),
      ...[0, 10, 32, of1!.length - 1].map((length) => of1!.slice(0, length)),
      Uint8Array.of(...of1!, 0),
      of3!,
      other.entries.get('pass-1/finished')!,
    ];
    for (const bytes of spoiled) {
      const { store } = openStore(new Map([...sound.entries, ['pass-1/finished', bytes]]));
      worked.length = 0;
      expect(await outcome(compress(product(), recipe(), { store }))).toBe(plain);
      expect(worked).toEqual(['scale by 2', 'first', 'second']);
    }
  });
});

describe('a store that holds another run is refused, and keeps it', () => {
  const data = (name: string, size: number, value = 1): Dataset => ({
    name,
    size,
    async *batches(_, indices = [...Array(size).keys()]) {
      for (const index of indices) {
        const pixels = Float32Array.of(index, value);
        yield { inputs: { x: { dtype: 'float32', shape: [1, 2], data: pixels } } };
      }
    },
  });
  const base = {
    ...{ model: product(), passes: recipe(), seed: 1, fingerprint: { host: 'a' } },
    calibration: data('photos', 4),
  };
  interface Call extends CompressOptions {
    readonly model: Graph;
    readonly passes: readonly Pass[];
  }
  const start = ({ model, passes, ...options }: Call, store: Store) => compress(model, passes, { ...options, store });

  test.each<[what: string, other: Partial<Call>, difference: string | RegExp]>([
    ['the seed', { seed: 2 }, 'a run with seed 1; this one has seed 2'],
    ['a weight', { model: product([5, 6, 7, 9]) }, /a run with model "\w{16}"; this one has model "\w{16}"/],
    ['an attribute', { model: product(undefined, 0.25) }, /a run with model/],
    [
      'an option',
      { passes: [scale({ factor: 4 }), ...recipe().slice(1)] },
      'with pass 1 factor 2; this one has pass 1 factor 4',
    ],
    [
      'an option more',
      { passes: [scale({ only: ['first'] }), ...recipe().slice(1)] },
      'with no pass 1 only; this one has pass 1 only ["first"]',
    ],
    [
      'the order',
      { passes: [nothing(), ...recipe().slice(0, 1), recipe()[2]!] },
      /pass 1 "scale".* and .*; .*pass 1 "nothing"/,
    ],
    ['one pass less', { passes: recipe().slice(0, 2) }, /number of passes 3.*; this one has number of passes 2/],
    ['the name of the data', { calibration: data('texts', 4) }, 'data "photos"; this one has calibration data "texts"'],
    [
      'the size of the data',
      { calibration: data('photos', 5) },
      /calibration examples 4 and .*; this one has calibration examples 5/,
    ],
    ['what the data are', { calibration: data('photos', 4, 2) }, /with calibration contents "\w+"; this/],
    [
      'data more',
      { training: data('photos', 4) },
      /with no training data, no training examples, and no training contents;/,
    ],
    ['what the caller says', { fingerprint: { host: 'b' } }, 'with host "a"; this one has host "b"'],
    ['two of them', { seed: 3, fingerprint: {} }, 'with host "a" and seed 1; this one has no host and seed 3'],
  ])('%s', async (_, other, difference) => {
    const store = { ...memoryStore(), name: 'out.partial' };
    await start(base, store);
    worked.length = 0;
    const refused = start({ ...base, ...other }, store);
    await expect(refused).rejects.toThrow(difference);
    await expect(refused).rejects.toThrow(
      /^compress: the store out\.partial holds .*; give the same to go on with it, or empty the store to begin anew$/,
    );
    await start(base, store);
    expect(worked).toEqual([]);
  });
});

test('an abort is honoured within a second, in a pass that would go on for an hour', async () => {
  const patient = definePass({
    name: 'patient',
    defaults: {},
    async run(graph: Graph, _, { signal, progress }) {
      for (let second = 0; second < 3600; second += 0.1) {
        signal.throwIfAborted();
        progress(second, 3600);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return graph;
    },
  });
  let aborted = 0;
  const controller = new AbortController();
  setTimeout(() => {
    aborted = performance.now();
    controller.abort();
  }, 150);
  const run = compress(product(), [nothing(), patient()], { signal: controller.signal, store: memoryStore() });
  await expect(run).rejects.toThrow(/abort/i);
  expect(performance.now() - aborted).toBeLessThan(1000);
});

test('progress has totals: of the pass, and of passes', async () => {
  const events: unknown[] = [];
  await compress(product(), recipe(), { onProgress: (event) => events.push(Object.values(event)) });
  expect(events).toEqual([
    ['scale', 1, 3, 1, 2],
    ['scale', 1, 3, 2, 2],
    ['scale', 3, 3, 1, 1],
  ]);
});
