import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { digits } from '../classify-digits/src/digits.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// eslint-disable-next-line no-restricted-syntax -- Vite asks for it.
export default defineConfig({
  root: here('.'),
  base: './',
  resolve: { conditions: ['@cq/source', 'module', 'browser', 'development|production'] },
  worker: { format: 'es' },
  build: { target: 'es2022', emptyOutDir: true, chunkSizeWarningLimit: 2000 },
  plugins: [builtInModel(), offline()],
});

/** The digits model and its data as files of the site: 128 digits that calibrate, and 2,000 that training never saw. */
function builtInModel(): Plugin {
  return {
    name: 'built-in-model',
    apply: 'build',
    async generateBundle() {
      for (const name of ['config.json', 'preprocessor_config.json', 'model.safetensors']) {
        const source = readFileSync(here(`../classify-digits/model/${name}`));
        this.emitFile({ type: 'asset', fileName: `digits/${name}`, source });
      }
      this.emitFile({ type: 'asset', fileName: 'digits/digits.bin', source: await digitsFile() });
    },
  };
}

async function digitsFile(): Promise<Uint8Array> {
  const { training, evaluation } = digits();
  const first = Array.from({ length: 128 }, (_, index) => index);
  const count = first.length + evaluation.size;
  const file = new Uint8Array(count * (28 * 28 + 1));
  let at = 0;
  for (const batches of [training.batches(1, first), evaluation.batches(1)]) {
    for await (const { inputs, labels } of batches) {
      file.set(
        Uint8Array.from(inputs['pixel_values']!.data, (value) => Math.round((value + 1) * 127.5)),
        at * 28 * 28,
      );
      file[count * 28 * 28 + at++] = labels![0]!;
    }
  }
  return file;
}

/** A service worker that knows the names of all files, and keeps them all. */
function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const files = ['./', ...Object.keys(bundle)];
      const version = createHash('sha256').update(files.join()).digest('hex').slice(0, 12);
      const source = readFileSync(here('src/service-worker.js'), 'utf8')
        .replace("'%VERSION%'", JSON.stringify(version))
        .replace("['%FILES%']", JSON.stringify(files));
      this.emitFile({ type: 'asset', fileName: 'service-worker.js', source });
    },
  };
}
