/**
 * assembly/ → src/generated/kernels.wasm and, with relaxed SIMD, relaxed-kernels.wasm; assembly/float/ →
 * src/generated/float-kernels.wasm; and each as base64 in a file of TypeScript. `node build-wasm.mjs [--text FILE]`; the text is that of the integer kernels.
 */
import asc from 'assemblyscript/asc';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const textAt = process.argv.indexOf('--text');

// A memory of at most 4 GiB, as TensorFlow.js's: the shared variant differs by one flag of this import (src/heap.ts).
const options =
  '-O3 --enable simd --runtime stub --importMemory --noExportMemory --initialMemory 1 --maximumMemory 65536 --noAssert';

await mkdir(`${folder}src/generated`, { recursive: true });
const text = textAt > 0 ? process.argv[textAt + 1] : undefined;
await build('assembly/index.ts', 'kernels', 'kernels', { text });
await build('assembly/index.ts', 'relaxed-kernels', 'relaxedKernels', { features: ['--enable', 'relaxed-simd'] });
await build('assembly/float/index.ts', 'float-kernels', 'floatKernels');

async function build(source, name, constant, { text, features = [] } = {}) {
  const files = new Map();
  const { error, stderr } = await asc.main(
    [
      source,
      ...options.split(' '),
      ...features,
      ...['--baseDir', folder, '--outFile', 'kernels.wasm'],
      ...(text === undefined ? [] : ['--textFile', 'kernels.wat']),
    ],
    { writeFile: (file, contents) => void files.set(file, contents) },
  );
  if (error) {
    process.stderr.write(stderr.toString());
    process.exit(1);
  }
  const binary = Buffer.from(files.get('kernels.wasm'));
  await writeFile(`${folder}src/generated/${name}.wasm`, binary);
  await writeFile(
    `${folder}src/generated/${name}.ts`,
    `/** Made by build-wasm.mjs from ${source}; ${binary.length} bytes. */\nexport const ${constant} =\n  '${binary.toString('base64')}';\n`,
  );
  if (text !== undefined) await writeFile(text, files.get('kernels.wat'));
  console.log(`${name}: ${binary.length} bytes`);
}
