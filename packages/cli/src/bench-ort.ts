import type * as Ort from 'onnxruntime-web';
import type { Feed } from './bench-feeds.ts';
import type { LoadedModel } from './bench-runtime.ts';

/**
 * An ONNX model on onnxruntime-web's WebAssembly provider. Which kernels run, it does not tell.
 * @param bytes The .onnx file.
 */
export async function ortModel(ort: typeof Ort, bytes: Uint8Array, threads: number): Promise<LoadedModel> {
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const types = new Map(session.inputMetadata.map((input) => [input.name, input.isTensor ? input.type : 'none']));
  return {
    runtime: 'onnxruntime-web',
    threads: ort.env.wasm.numThreads,
    inputs: session.inputMetadata.map((input) => ({
      name: input.name,
      dtype: input.isTensor && input.type.startsWith('int') ? 'int32' : 'float32',
      shape: input.isTensor ? input.shape.map((size) => (typeof size === 'number' ? size : -1)) : [],
    })),
    kernels: async () => ({}),
    async infer(feeds) {
      const tensors = Object.entries(feeds).map(
        ([name, feed]) => [name, tensorOf(ort, feed, types.get(name))] as const,
      );
      const results = await session.run(Object.fromEntries(tensors));
      const outputs = session.outputNames.map((name) => results[name]!.data);
      return Float32Array.from(outputs[0] as Float32Array);
    },
  };
}

/** ONNX has its indices in 64 bits. */
function tensorOf(ort: typeof Ort, { data, shape, dtype }: Feed, type: string | undefined): Ort.Tensor {
  if (type !== 'int64') return new ort.Tensor(dtype, data, [...shape]);
  return new ort.Tensor('int64', BigInt64Array.from(data, BigInt), [...shape]);
}
