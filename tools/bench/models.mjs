/** The models that are compared, made once under out/bench and again when the code that makes them changes. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const shared = process.env.CQ_SHARED ?? join(root, '../shared');
const made = join(root, 'out/bench');

/** Calibration examples: what a model computes does not change how long that takes, and fewer are read sooner. */
const SAMPLES = 16;

/** The first line of an error, for reports: where this repository lies is nobody's business. */
export const withoutPaths = (message) => String(message).split('\n')[0].replaceAll(root, '');

const shown = (path) => relative(root, path);

/**
 * The float model in TensorFlow.js's own format, and what recipes make of it.
 * @param recipes Names below, or of recipes without calibration data; those that do not exist yet are left out.
 */
export async function compressed(name, source, calibration, recipes, say) {
  const folder = join(made, name);
  const { recipes: known } = await import('../../packages/cli/dist/recipes.js');
  const present = recipes.filter((recipe) => recipe in configs || recipe in known);
  await once(folder, present, say, async () => {
    await node(join(root, 'tools/bench/to-folder.mjs'), source, join(folder, 'float'));
    for (const recipe of present) {
      const options = recipe in configs ? calibrated(folder, recipe, calibration) : ['--recipe', recipe];
      await node(cq, 'compress', source, '--out', join(folder, recipe), ...options);
    }
  });
  return variants(folder);
}

const cq = join(root, 'packages/cli/dist/bin.js');

const configs = {
  int8: [{ name: 'quantize-uniform', options: { weights: 8, activations: 8 } }],
  w4a8: [{ name: 'quantize-uniform', options: { weights: 4, activations: 8 } }],
};

function calibrated(folder, recipe, calibration) {
  const config = join(folder, `${recipe}.json`);
  writeFileSync(config, JSON.stringify({ passes: configs[recipe] }));
  return ['--config', config, '--calibration', calibration, '--samples', SAMPLES];
}

/** A ViT with random weights, in float and with weights of so many bits. */
export async function randomVit(name, { width, heads, layers, bits }, say) {
  const folder = join(made, name);
  await once(folder, { width, heads, layers, bits }, say, () =>
    node(join(root, 'tools/bench/make-vit.mjs'), folder, width, heads, layers, ...bits),
  );
  return variants(folder);
}

/** The models in a folder by name. */
function variants(folder) {
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'model.json')));
  return Object.fromEntries(names.map((name) => [name, join(folder, name)]));
}

/** Bits of the narrowest stored weight, and bytes of all. */
export function storage(model) {
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(model, 'model.json'), 'utf8'));
  const bits = modelTopology.node.map(({ attr }) => Number(attr?.weightBits?.i ?? 32));
  const sizes = { float32: 4, int32: 4, bool: 1 };
  const bytes = weightsManifest
    .flatMap(({ weights }) => weights)
    .reduce((sum, { shape, dtype }) => sum + shape.reduce((product, size) => product * size, sizes[dtype]), 0);
  return { bits: Math.min(...bits), bytes };
}

/** Makes a folder unless this very code has made just this. */
async function once(folder, what, say, make) {
  const stamp = join(folder, 'made-by');
  const code = `${JSON.stringify(what)} ${fingerprint()}`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === code) return;
  say(`${shown(folder)}: is made, once`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await make();
  writeFileSync(stamp, code);
}

/** Changes whenever the built code does that models come from. */
function fingerprint() {
  const hash = createHash('sha256').update(JSON.stringify([SAMPLES, configs]));
  const update = (file) => hash.update(readFileSync(join(root, file)));
  for (const folder of ['packages/core/dist', 'packages/import-hf/dist']) {
    const files = readdirSync(join(root, folder), { recursive: true }).sort();
    for (const file of files) if (file.endsWith('.js')) update(join(folder, file));
  }
  return update('tools/bench/make-vit.mjs').digest('hex');
}

/** A process of its own, which gives its memory back. */
async function node(...parameters) {
  await promisify(execFile)(process.execPath, parameters.map(String), { maxBuffer: 2 ** 26 });
}
