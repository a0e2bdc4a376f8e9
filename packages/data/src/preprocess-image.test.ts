import { readFileSync } from 'node:fs';
import { preprocessedSize, preprocessImage } from './preprocess-image.ts';
import { parsePreprocessing } from './preprocessing.ts';

interface Golden {
  readonly config: Record<string, unknown>;
  readonly width: number;
  readonly height: number;
  readonly data: string;
  readonly shape: readonly number[];
  readonly values: string;
}

/** Made with transformers by `test/golden/make.py`. */
const goldens = JSON.parse(
  readFileSync(new URL('../test/golden/preprocessing.json', import.meta.url), 'utf8'),
) as Golden[];

test.each(goldens.map((golden) => [JSON.stringify(golden.config), golden] as const))(
  '%s gives the numbers of transformers',
  (_, { config, width, height, data, shape, values }) => {
    const image = { width, height, data: Buffer.from(data, 'base64') };
    const preprocessing = parsePreprocessing(config, 'preprocessor_config.json');
    const size = preprocessedSize(image, preprocessing);
    expect([preprocessing.channels, size.height, size.width]).toEqual(shape);
    expect(Buffer.from(preprocessImage(image, preprocessing).buffer)).toEqual(Buffer.from(values, 'base64'));
  },
);
