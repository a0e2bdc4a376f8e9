/**
 * All checks of the repository: types, lint, then the tests of every package. `--full` adds the long ones, whose names
 * end in `.full.test.ts`. Further arguments go to jest. Ends with one line `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const given = process.argv.slice(2);
const full = given.includes('--full');
const filters = given.filter((argument) => argument !== '--full');

const failures = [];
if (filters.length === 0) {
  check('types', ['node_modules/nx/dist/bin/nx.js', 'run-many', '-t', 'types', '--outputStyle=static']);
  check('lint', ['node_modules/eslint/bin/eslint.js', '.']);
  check('format', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.']);
}

const scratch = mkdtempSync(join(tmpdir(), 'cq-test-'));
const results = join(scratch, 'results.json');
const pattern = full ? [] : ['--testPathIgnorePatterns', '/node_modules/', '/dist/', '\\.full\\.test\\.ts$'];
node(['node_modules/jest/bin/jest.js', '--json', `--outputFile=${results}`, ...pattern, ...filters]);
const summary = read(results);
rmSync(scratch, { recursive: true });

const passed = summary.numPassedTests;
const failed = summary.numFailedTests + summary.numRuntimeErrorTestSuites + failures.length;
for (const name of failures) console.log(`failed: ${name}`);
if (summary.numPendingTests > 0) console.log(`${summary.numPendingTests} skipped: each said why above`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function check(name, parameters) {
  if (node(parameters) !== 0) failures.push(name);
}

function node(parameters) {
  const { status } = spawnSync(process.execPath, parameters, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
  });
  return status;
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numRuntimeErrorTestSuites: 0, numPendingTests: 0 };
  }
}
