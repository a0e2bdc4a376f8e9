import type { Input } from '@cq/core';
import { parseTokenizer, textInputs, tokenizerFiles } from '@cq/data/browser';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { Classifier, ClassifierOptions } from './classifier.ts';
import { loadClassifier } from './load-classifier.ts';
import type { Platform } from './platform.ts';

/** `textClassifier` of Node or of pages. */
export function textClassifierOn(platform: Omit<Platform<never>, 'decode'>) {
  return (folder: string, options: ClassifierOptions = {}): Promise<Classifier<string>> =>
    loadClassifier(folder, options, platform, async (model) => {
      const [tokenizer, config] = await Promise.all(tokenizerFiles.map((file) => platform.readJson(folder, file)));
      const texts = textInputs(folder, {
        tokenizer: parseTokenizer({ tokenizer, config }, folder),
        inputs: inputsOf(model),
      });
      return async (text) => texts.stack([texts.encode(text)]);
    });
}

function inputsOf({ inputs }: GraphModel): Input[] {
  return inputs.map(({ name, dtype, shape }) => ({ name, dtype: dtype as Input['dtype'], shape: shape ?? [] }));
}
