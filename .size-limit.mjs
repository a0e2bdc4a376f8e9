/** What a page downloads beside TensorFlow.js, from the sources: `npm run size` prints it, test/size.test.ts keeps the limits. */
const fromSources = {
  ignore: ['@tensorflow/*'],
  gzip: true,
  modifyEsbuildConfig: (config) => ({ ...config, conditions: ['@cq/source'] }),
};

export default [
  {
    ...fromSources,
    name: '@cq/backend-wasm: what runs compressed models',
    path: 'packages/backend-wasm/src/index.ts',
    limit: '60 kB',
  },
  {
    ...fromSources,
    name: '@cq/core/runtime: the lowered ops alone',
    path: 'packages/core/src/runtime/index.ts',
    limit: '15 kB',
  },
];
