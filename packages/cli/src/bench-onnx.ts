import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { kindAt } from './kind-at.ts';
import { UsageError } from './usage-error.ts';

/**
 * The .onnx files beside models: in their folders, or in `onnx/` below, where the hub has them.
 * @throws UsageError if there are none.
 */
export function onnxFilesOf(models: readonly string[]): string[] {
  const files = models
    .flatMap((model) => [model, join(model, 'onnx')])
    .filter((folder) => kindAt(folder) === 'a folder')
    .flatMap((folder) => namesIn(folder).map((name) => join(folder, name)));
  if (files.length > 0) return files;
  throw new UsageError(
    `bench: --against ort-web needs .onnx files in MODEL or MODEL/onnx, got none in ${models.join(', ')}; ` +
      'put them there, or give them as MODELs',
  );
}

const namesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.onnx'))
    .sort();

/**
 * The command does not bring onnxruntime-web along.
 * @throws UsageError if it is not installed.
 */
export function checkOnnxRuntime(resolve: (name: string) => string = createRequire(import.meta.url).resolve): void {
  try {
    resolve('onnxruntime-web');
  } catch {
    throw new UsageError(
      'bench: onnxruntime-web must be installed to run .onnx files, got none; npm install onnxruntime-web',
    );
  }
}
