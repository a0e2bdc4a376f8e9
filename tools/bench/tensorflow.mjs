/** TensorFlow.js, which only the packages depend on. */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../packages/cli/package.json', import.meta.url));
export const tf = require('@tensorflow/tfjs-core');
export const converter = require('@tensorflow/tfjs-converter');
