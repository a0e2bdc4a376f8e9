import type { Commands, Progress, Request, Response } from './protocol.ts';

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
  onProgress(progress: Progress): void;
}

/** The worker as functions. */
export interface Client {
  ask<Name extends keyof Commands>(
    command: Name,
    parameters: Parameters<Commands[Name]>,
    onProgress?: (progress: Progress) => void,
  ): ReturnType<Commands[Name]>;
  /** Ends whatever the worker does at once, with all that it holds: the next command gets a new one. */
  stop(): void;
}

/** What stopping rejects with. */
export class Stopped extends Error {}

export function client(start: () => Worker): Client {
  let worker: Worker | undefined;
  let next = 0;
  const waiting = new Map<number, Waiting>();
  const heard = ({ data }: MessageEvent<Response>): void => {
    const { resolve, reject, onProgress } = waiting.get(data.id)!;
    if ('progress' in data) return onProgress(data.progress);
    waiting.delete(data.id);
    if ('error' in data) reject(new Error(data.error));
    else resolve(data.result);
  };
  const endAll = (error: Error): void => {
    worker?.terminate();
    worker = undefined;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const started = (): Worker => {
    const one = start();
    one.onmessage = heard;
    one.onerror = ({ message }) => endAll(new Error(`the worker failed: ${message}`));
    return one;
  };
  return {
    ask(command, parameters, onProgress = () => undefined) {
      worker ??= started();
      const request: Request = { id: next++, command, parameters };
      const answer = new Promise((resolve, reject) =>
        waiting.set(request.id, { resolve, reject, onProgress }),
      ) as ReturnType<Commands[typeof command]>;
      worker.postMessage(request);
      return answer;
    },
    stop: () => endAll(new Stopped('stopped')),
  };
}
