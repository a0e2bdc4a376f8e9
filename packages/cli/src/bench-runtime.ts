import { simdLevel, type SimdLevel } from './bench-simd.ts';
import { randomFeeds, type Feeds, type Signature } from './bench-feeds.ts';

/** What computes a model. */
export type Runtime = 'tfjs-wasm' | '@cq/backend-wasm' | 'onnxruntime-web';

/** A model in a runtime. Works in Node and in pages. */
export interface LoadedModel {
  readonly runtime: Runtime;
  /** Threads that it really has. */
  readonly threads: number;
  readonly inputs: readonly Signature[];
  /** How often each kernel runs in one inference; none if the runtime does not tell. */
  kernels(feeds: Feeds): Promise<Readonly<Record<string, number>>>;
  /** One inference, from arrays to arrays: the values of the first output, the others are read too. */
  infer(feeds: Feeds): Promise<Float32Array>;
}

/** A model ready to be timed. */
export interface TimedModel {
  readonly runtime: Runtime;
  readonly threads: number;
  readonly simd: SimdLevel;
  readonly kernels: Readonly<Record<string, number>>;
  /** Milliseconds of one inference on random input. */
  run(): Promise<number>;
  infer(feeds: Feeds): Promise<Float32Array>;
}

/** Engines compile hot code anew while it runs: this long, and at least once. */
const WARM_UP_MILLISECONDS = 1000;

/** Warms a model up on random input. */
export async function timed(model: LoadedModel, batch: number, seed: number): Promise<TimedModel> {
  const feeds = randomFeeds(model.inputs, batch, seed);
  const run = async (): Promise<number> => {
    const start = performance.now();
    await model.infer(feeds);
    return performance.now() - start;
  };
  const start = performance.now();
  const kernels = await model.kernels(feeds);
  while (performance.now() < start + WARM_UP_MILLISECONDS) await run();
  const { runtime, threads } = model;
  return { runtime, threads, simd: simdLevel(), kernels, run, infer: (given) => model.infer(given) };
}
