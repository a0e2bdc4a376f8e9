/**
 * Runs the code of documents in the current folder, which has what they name: models, photos, texts. One process for all
 * of it, since loading TensorFlow.js takes longer than most of it. Gets a JSON list on its command line, of modules and
 * of `cq …` commands, and prints one line for each: `@result "ok"`, or its error.
 */
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { run } from '@cq/cli';

async function perform(work: string): Promise<void> {
  if (!work.startsWith('cq ')) {
    await import(pathToFileURL(work).href);
    return;
  }
  let said = '';
  const stdout = new Writable({ write: (_chunk, _encoding, done) => done() });
  const stderr = new Writable({ write: (chunk, _encoding, done) => done(void (said += String(chunk)) as undefined) });
  const io = { stdout, stderr, env: {}, signal: new AbortController().signal };
  const code = await run(work.split(/\s+/).slice(1), io);
  if (code !== 0) throw new Error(`exit code ${code}: ${said}`);
}

for (const work of JSON.parse(process.argv[2]!) as string[]) {
  const result = await perform(work).then(
    () => 'ok',
    (error: Error) => String(error.stack),
  );
  process.stdout.write(`\n@result ${JSON.stringify(result)}\n`);
}
process.exit(0);
