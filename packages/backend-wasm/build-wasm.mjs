/** assembly/*.ts → src/generated/kernels.wasm, and the same as base64 in kernels.ts. `node build-wasm.mjs [--text FILE]` */
import asc from 'assemblyscript/asc';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const textAt = process.argv.indexOf('--text');

// A memory of at most 4 GiB, as TensorFlow.js's: the shared variant differs by one flag of this import (src/module.ts).
const options =
  '-O3 --enable simd --runtime stub --importMemory --noExportMemory --initialMemory 1 --maximumMemory 65536 --noAssert';

const files = new Map();
const { error, stderr } = await asc.main(
  [
    'assembly/index.ts',
    ...options.split(' '),
    ...['--baseDir', folder, '--outFile', 'kernels.wasm'],
    ...(textAt > 0 ? ['--textFile', 'kernels.wat'] : []),
  ],
  { writeFile: (name, contents) => void files.set(name, contents) },
);
if (error) {
  process.stderr.write(stderr.toString());
  process.exit(1);
}

const binary = Buffer.from(files.get('kernels.wasm'));
await mkdir(`${folder}src/generated`, { recursive: true });
await writeFile(`${folder}src/generated/kernels.wasm`, binary);
await writeFile(
  `${folder}src/generated/kernels.ts`,
  `/** Made by build-wasm.mjs from assembly/; ${binary.length} bytes. */\nexport const kernels =\n  '${binary.toString('base64')}';\n`,
);
if (textAt > 0) await writeFile(process.argv[textAt + 1], files.get('kernels.wat'));
console.log(`kernels: ${binary.length} bytes`);
