import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recipes } from './recipes.ts';
import { cq } from './testing/cq.ts';
import { temporaryFolder } from './testing/tiny.ts';

const folder = temporaryFolder();
const script = join(folder, 'cq.bash');
beforeAll(async () => {
  const { code, stdout, stderr } = await cq('completion', 'bash');
  expect([code, stderr]).toEqual([0, '']);
  writeFileSync(script, stdout);
});

/** What bash offers for the last word, without the files that it adds of its own. */
function offered(...words: readonly string[]): string[] {
  const ask = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cq; printf "%s\\n" "${COMPREPLY[@]}"';
  const { status, stdout, stderr } = spawnSync('bash', ['-c', ask, script, ...words], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter((line) => line !== '');
}

test.each([
  [
    ['cq', 'comp'],
    ['compress', 'completion'],
  ],
  [['cq', '--v'], ['--version']],
  [['cq', 'help', 'do'], ['doctor']],
  [['cq', 'compress', 'model', '--rec'], ['--recipe']],
  [
    ['cq', 'compress', '--recipe', 'int'],
    ['int8', 'int8-dynamic'],
  ],
  [['cq', 'compress', '--recipe', '=', 'w'], ['w4']],
  [['cq', 'compress', '--recipe', '='], Object.keys(recipes)],
  [['cq', 'sensitivity', 'model', '--recipe', ''], Object.keys(recipes)],
  [
    ['cq', 'compress', '--target', ''],
    ['bytes', 'latency'],
  ],
  [['cq', 'eval', 'model', '--backend', 'c'], ['cpu']],
  [
    ['cq', 'inspect', '--'],
    ['--json', '--help'],
  ],
  [
    ['cq', 'completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['cq', 'compress', ''], []],
  [['cq', 'compress', '--out', ''], []],
])('bash, %j', (words, offer) => {
  expect(offered(...words)).toEqual(offer);
});

test('where there are no words, bash completes files and folders', () => {
  mkdirSync(join(folder, 'models', 'deit'), { recursive: true });
  // A readline of its own: the tab key is pressed and the line that this gives is run, by a cq that prints it.
  const input = `source ${script}; cq() { printf '<%s>' "$@"; }\ncq compress --rec\tint8-\tmodels/d\t\n`;
  const { stdout } = spawnSync('bash', ['--norc', '--noprofile', '-i'], { cwd: folder, input, encoding: 'utf8' });
  expect(stdout).toBe('<compress><--recipe><int8-dynamic><models/deit/>');
});

test.each([
  ['zsh', "'--recipe[a recipe by name (below)]: :(int8 int8-dynamic w4 "],
  ['fish', "complete -c cq -n '__fish_seen_subcommand_from compress' -l recipe -x -a 'int8 int8-dynamic w4 "],
])('%s gets the same words', async (shell, line) => {
  const { code, stdout } = await cq('completion', shell);
  expect(code).toBe(0);
  expect(stdout).toContain(line);
  for (const recipe of Object.keys(recipes)) expect(stdout).toContain(recipe);
});
