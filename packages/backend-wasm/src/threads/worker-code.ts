import {
  BUSY,
  DONE,
  FAILED,
  KERNEL,
  LEFT,
  MODULE,
  MODULE_AT,
  MODULE_BYTES,
  MOST_PARAMETERS,
  NUMBERS,
  NUMBERS_AT,
  PARAMETERS,
  SCRATCH_AT,
  SCRATCH_BYTES,
  TICKET,
  WORDS,
} from './control.ts';

/**
 * So long a worker looks for the next job before it sleeps. To be woken takes longer than a model leaves between two kernels;
 * looking takes a core from whoever else needs it.
 */
const AWAKE_MILLISECONDS = 0.2;
/**
 * While the caller computes, so long or this share of what the worker itself took, whichever is more. A caller that takes longer may
 * wait for the very core on which the worker looks.
 */
const AWAKE_BESIDE_MILLISECONDS = 0.03;
const AWAKE_BESIDE = 0.25;

/**
 * What a worker does, in Node and in pages: control.ts from its side. It is text because a bundle holds no file that a
 * worker could be started from, and because the text of a function is not the same after every compiler.
 */
export const workerCode = `
const port = globalThis.process?.getBuiltinModule?.('node:worker_threads').parentPort ?? globalThis;
port.onmessage = ({ data }) => work(data);

function work({ memory, at, worker }) {
  const words = new Int32Array(memory.buffer, at, ${WORDS});
  const numbers = new Float64Array(memory.buffer, at + ${NUMBERS_AT}, ${NUMBERS});
  const modules = [];
  port.postMessage('ready');
  let began = 0;
  let ended = 0;
  for (;;) {
    const ticket = Atomics.load(words, ${TICKET});
    const left = ticket & ${LEFT};
    if (left === 0) {
      const beside = Math.max(${AWAKE_BESIDE_MILLISECONDS}, ${AWAKE_BESIDE} * (ended - began));
      const since = performance.now();
      while (Atomics.load(words, ${TICKET}) === ticket) {
        const awake = Atomics.load(words, ${BUSY}) ? beside : ${AWAKE_MILLISECONDS};
        if (performance.now() - since > awake) Atomics.wait(words, ${TICKET}, ticket);
      }
      began = performance.now();
    } else if (Atomics.compareExchange(words, ${TICKET}, ticket, ticket - 1) === ticket) {
      try {
        compute(left - 1);
      } catch (error) {
        Atomics.store(words, ${FAILED}, 1);
        throw error;
      }
      ended = performance.now();
      Atomics.add(words, ${DONE}, 1);
      Atomics.notify(words, ${DONE});
    }
  }

  function compute(part) {
    const kernel = (modules[numbers[${MODULE}]] ??= load())[numbers[${KERNEL}]];
    const first = ${PARAMETERS} + part * ${MOST_PARAMETERS};
    const parameters = numbers.slice(first, first + kernel.length);
    const scratch = numbers[${SCRATCH_BYTES}];
    if (scratch > 0) parameters[kernel.length - 1] = numbers[${SCRATCH_AT}] + worker * scratch;
    kernel.apply(undefined, parameters);
  }

  function load() {
    const binary = new Uint8Array(memory.buffer, numbers[${MODULE_AT}], numbers[${MODULE_BYTES}]).slice();
    const instance = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
    return Object.values(instance.exports);
  }
}
`;
