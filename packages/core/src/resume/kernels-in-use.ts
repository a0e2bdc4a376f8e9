import { backend, env, getBackend, getKernel, ready } from '@tensorflow/tfjs-core';

/** What the last bits of a result may depend on, beside the data: who computed it. */
export interface KernelsInUse {
  /** Of TensorFlow.js; `none` if there is none, which some passes need not mind. */
  readonly backend: string;
  /** Which build of the backend, and whether @cq/backend-wasm has put kernels in the place of some. */
  readonly kernels: string;
  readonly threads: number;
}

export async function kernelsInUse(): Promise<KernelsInUse> {
  await ready().catch(() => undefined); // It rejects if no backend can start.
  const name = (getBackend() as string | undefined) ?? 'none';
  if (name !== 'wasm') return { backend: name, kernels: 'stock', threads: 1 };
  const build = env().getBool('WASM_HAS_SIMD_SUPPORT') ? 'simd' : 'plain';
  const ours = getKernel('CqLinear', 'wasm') as object | undefined;
  const { wasm } = backend() as unknown as { readonly wasm: { readonly tfjs: { getThreadsCount(): number } } };
  return {
    backend: name,
    kernels: ours ? `${build} with @cq/backend-wasm` : build,
    threads: wasm.tfjs.getThreadsCount(),
  };
}
