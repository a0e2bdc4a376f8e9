import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A page for every folder in `parent` that has a README. */
export const readmes = (parent) => ({
  watch: [`../../${parent}/*/README.md`],
  paths: () =>
    readdirSync(`${root}/${parent}`)
      .filter((name) => existsSync(`${root}/${parent}/${name}/README.md`))
      .map((name) => ({ params: { name }, content: readFileSync(`${root}/${parent}/${name}/README.md`, 'utf8') })),
});
