import { provide } from './kernel.ts';

/**
 * The same data once more. TensorFlow.js keeps a clone of every tensor that a gradient needs, and its own kernel copies it.
 */
export function provideIdentity(): void {
  provide('Identity', (stock) => ({ backend }, { x }) => {
    if (x!.dtype === 'string') return stock!({ inputs: { x: x! }, backend });
    backend.incRef(x!.dataId);
    return { dataId: x!.dataId, shape: x!.shape, dtype: x!.dtype };
  });
}
