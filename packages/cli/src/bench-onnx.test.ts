import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkOnnxRuntime, onnxFilesOf } from './bench-onnx.ts';
import { temporaryFolder } from './testing/tiny.ts';
import { UsageError } from './usage-error.ts';

const folder = temporaryFolder();

test('the .onnx files beside models: in their folders and in onnx/ below', () => {
  const [model, other] = [join(folder, 'model'), join(folder, 'other')];
  mkdirSync(join(model, 'onnx'), { recursive: true });
  mkdirSync(other);
  for (const file of ['model.json', 'b.onnx', 'a.onnx', 'onnx/model.onnx']) writeFileSync(join(model, file), '');
  expect(onnxFilesOf([other, model])).toEqual(['a.onnx', 'b.onnx', 'onnx/model.onnx'].map((file) => join(model, file)));
  expect(() => onnxFilesOf([other])).toThrow(UsageError);
});

test('a missing onnxruntime-web is wrong use, with the command that installs it', () => {
  const missing = (): never => {
    throw new Error('Cannot find module');
  };
  expect(() => checkOnnxRuntime(missing)).toThrow(UsageError);
  expect(() => checkOnnxRuntime(missing)).toThrow('npm install onnxruntime-web');
  expect(() => checkOnnxRuntime()).not.toThrow();
});
