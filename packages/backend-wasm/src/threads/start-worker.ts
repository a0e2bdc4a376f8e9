import { workerCode } from './worker-code.ts';

export interface RunningWorker {
  end(): void;
}

/** Of node:worker_threads. */
interface NodeWorker {
  on(event: 'message' | 'error' | 'exit', listener: (value: unknown) => void): this;
  postMessage(message: object): void;
  terminate(): Promise<number>;
  unref(): void;
}

interface NodeThreads {
  readonly Worker: new (code: string, options: object) => NodeWorker;
}

/**
 * Resolves when the worker is ready, rejects if it ends before.
 * @param message What its code expects.
 * @param onEnd Told the reason if it ends by itself, whenever that is.
 */
export function startWorker(message: object, onEnd: (reason: string) => void): Promise<RunningWorker> {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const node = process?.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined;
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      onEnd(reason);
      reject(new Error(reason));
    };
    if (node) startInNode(node, message, resolve, fail);
    else startInPage(message, resolve, fail);
  });
}

function startInNode(
  { Worker }: NodeThreads,
  message: object,
  ready: (worker: RunningWorker) => void,
  fail: (reason: string) => void,
): void {
  // Without the flags of this process: they may name loaders, or say that text is an ES module.
  const worker = new Worker(workerCode, { eval: true, execArgv: [] });
  let over = false;
  const stop = (reason: string): void => {
    if (!over) fail(reason);
    over = true;
  };
  const end = (): void => {
    over = true;
    void worker.terminate();
  };
  worker
    .on('message', () => {
      worker.unref(); // The process may end while the worker sleeps.
      ready({ end });
    })
    .on('error', (error) => stop((error as Error).message))
    .on('exit', () => stop('a worker that ended'));
  worker.postMessage(message);
}

function startInPage(message: object, ready: (worker: RunningWorker) => void, fail: (reason: string) => void): void {
  const url = URL.createObjectURL(new Blob([workerCode], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    ready({ end: () => worker.terminate() });
  };
  worker.onerror = ({ message: reason }) => fail(reason || 'a worker that the page may not start');
  worker.postMessage(message);
}
