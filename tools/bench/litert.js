/** A .tflite model on LiteRT.js, whose WebAssembly computes with XNNPACK. Which kernels run, it does not tell. */
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';

export async function litertModel(bytes, threads) {
  await loadLiteRt('/repository/node_modules/@litertjs/core/wasm/', { threads: threads > 1 });
  const model = await loadAndCompile(bytes, { accelerator: 'wasm', cpuOptions: { numThreads: threads } });
  const inputs = model.getInputDetails();
  return {
    runtime: 'litert',
    threads,
    inputs: inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] })),
    kernels: async () => ({}),
    async infer(feeds) {
      const given = Object.values(feeds); // its names are not those of the other runtimes
      const tensors = inputs.map((_, i) => new Tensor(given[i].data, [...given[i].shape]));
      const results = await model.run(tensors);
      const outputs = results.map((result) => result.toTypedArray());
      const values = Float32Array.from(outputs[0]);
      for (const tensor of [...tensors, ...results]) tensor.delete();
      return values;
    },
  };
}
