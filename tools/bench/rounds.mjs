/* global AbortController, clearTimeout, setTimeout */
/** Contestants in turns, whatever becomes of them: one that fails or takes too long becomes a row with its error. */
import { setTimeout as pause } from 'node:timers/promises';
import { spread } from '../../packages/eval/dist/index.js';
import { compareOutputs } from './agreement.mjs';
import { withoutPaths } from './models.mjs';

const START_SECONDS = 120;
const INFER_SECONDS = 90;
const LEAST_ROUNDS = 2;
/** Lets threads of the one before stop spinning: those of onnxruntime-web do so for up to 30 ms. */
const PAUSE_MILLISECONDS = 50;

/**
 * In every round each runs once, one after the other. An inference that does not count goes before each that does: it finds
 * its code and weights in the caches, where those of the others were, and its threads on their cores. Without, the medians
 * on two threads were 6 to 14 ms above the best times, with every runtime, whether an inference takes 20 ms or 60.
 * @param entries `{ id, name, start(signal): Promise<Contestant> }`, in the order of the rows; more fields go to the row.
 * @param options.rounds Rounds that count, `options.seconds` after which no round starts once there were two.
 * @param options.questions Inputs to which all must give much the same outputs as the first.
 */
export async function race(entries, { rounds, seconds, questions, say }) {
  const racers = entries.map(({ start, ...row }) => ({ start, row, times: [], outputs: [] }));
  try {
    for (const racer of racers) {
      say(`${racer.row.name}: loads`);
      await attempt(racer, START_SECONDS, async (signal) => {
        racer.contestant = await racer.start(signal);
        for (const feeds of questions) racer.outputs.push(await racer.contestant.infer(feeds));
      });
    }
    const end = performance.now() + 1000 * seconds;
    for (let round = 0; round < rounds && (round < LEAST_ROUNDS || performance.now() < end); round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const racer of racers) {
        await pause(PAUSE_MILLISECONDS);
        await attempt(racer, INFER_SECONDS, async () => {
          await racer.contestant.run();
          racer.times.push(await racer.contestant.run());
        });
      }
    }
    for (const racer of racers) {
      await attempt(racer, INFER_SECONDS, async () => (racer.peakBytes = await racer.contestant.peakBytes()));
    }
  } finally {
    for (const { contestant } of racers) contestant?.stop();
  }
  const [first] = racers;
  return racers.map(({ row, error, contestant, times, outputs, peakBytes }) => {
    if (error) return { ...row, error };
    const { runtime, threads, simd, kernels } = contestant;
    const milliseconds = spread(times);
    const ratio = first.error ? undefined : spread(first.times).median / milliseconds.median;
    const agreement = first.error ? undefined : compareOutputs(first.outputs, outputs);
    return { ...row, runtime, threads, simd, milliseconds, rounds: times.length, ratio, peakBytes, agreement, kernels };
  });
}

/** Does nothing for a racer that is out. */
async function attempt(racer, seconds, work) {
  if (racer.error) return;
  racer.stopper ??= new AbortController();
  const { signal } = racer.stopper;
  const reason = new Error(`took longer than ${seconds} s`);
  const timer = setTimeout(() => racer.stopper.abort(reason), 1000 * seconds);
  try {
    await work(signal);
  } catch (error) {
    racer.error = withoutPaths((signal.aborted ? reason : error).message);
    racer.contestant?.stop();
  } finally {
    clearTimeout(timer);
  }
}
