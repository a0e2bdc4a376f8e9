import { availableParallelism } from 'node:os';

/** What draws plots, and what that needs. */
const ofPlots = [
  ...['@observablehq/plot', 'd3[^/]*', 'internmap', 'delaunator', 'robust-predicates', 'isoformat', 'linkedom'],
  ...['css[^/]*', 'dom[^/]*', 'entities', 'htmlparser2', 'nth-check', 'boolbase'],
].join('|');

/** Packages that ship ES modules only. */
const modulesOnly = `pure-rand|fast-check|@jsquash[^/]*|commander|@huggingface/[^/]*|${ofPlots}`;

/** One project for the whole workspace: `@cq/source` resolves packages to their sources, so tests need no build. */
export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@cq/source', 'node', 'require', 'default'] },
  roots: ['<rootDir>/packages', '<rootDir>/examples', '<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  transform: {
    '^.+\\.(ts|js|mjs)$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  // tfjs ships CommonJS for Node; these few ship ES modules only.
  transformIgnorePatterns: [`/node_modules/(?!(.*/)?(${modulesOnly})/)`, `^(?!.*/node_modules/(${ofPlots})/).*/dist/`],
  setupFiles: ['<rootDir>/test/quiet.cjs'],
  // Files differ too much in length for one worker less than there are cores; more than a few would not fit in memory.
  maxWorkers: Math.min(availableParallelism(), 4),
  testTimeout: 60_000,
};
