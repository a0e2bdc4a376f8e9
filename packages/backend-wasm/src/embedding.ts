import { CqEmbedding, sizeOf, type EmbeddingAttrs } from '@cq/core/runtime';
import { registerWasmKernel } from './kernel.ts';

export function registerEmbedding(): void {
  registerWasmKernel<EmbeddingAttrs>(CqEmbedding, ({ kernels, shapes, at, output }) => {
    const [rows, channels] = shapes['table'] as readonly [number, number];
    kernels.embedding(at('ids'), sizeOf(shapes['ids']!), at('table'), rows, channels, at('scale'), output.at);
  });
}
