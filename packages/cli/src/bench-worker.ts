import { CqError } from '@cq/core';
import { benchModel } from './bench-model.ts';
import type { Answer, Question } from './bench-process.ts';
import type { TimedModel } from './bench-runtime.ts';
import { peakMemory } from './peak-memory.ts';

/** The process of one model in `bench`: answers every message of its parent with one. */
const answer = (message: Answer): void => void process.send!(message);

let model: TimedModel | undefined;

process.on('message', (question: Question) => {
  void respond(question).then(answer, (error: unknown) => {
    const { message, stack } = error as Error;
    answer({
      kind: 'failed',
      message: error instanceof CqError ? message : (stack ?? message),
      expected: error instanceof CqError,
    });
  });
});

async function respond(question: Question): Promise<Answer> {
  switch (question.kind) {
    case 'load': {
      model = await benchModel(question.job);
      const { runtime, threads, simd, kernels } = model;
      return { kind: 'ready', runtime, threads, simd, kernels };
    }
    case 'run':
      return { kind: 'time', milliseconds: await model!.run() };
    case 'infer':
      return { kind: 'output', values: await model!.infer(question.feeds) };
    case 'memory':
      return { kind: 'memory', peakBytes: peakMemory() };
  }
}
