import { Writable } from 'node:stream';
import { run } from '../run.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in this process, as if it were not on a terminal. */
export async function cq(...argv: readonly string[]): Promise<Outcome> {
  const [stdout, stderr] = [collector(), collector()];
  const { signal } = new AbortController();
  const code = await run(argv, { stdout: stdout.stream, stderr: stderr.stream, env: {}, signal });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** A stream that keeps what is written, and tells. */
export function collector(onWrite: () => void = () => undefined): { stream: Writable; text(): string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk.toString());
      onWrite();
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}
