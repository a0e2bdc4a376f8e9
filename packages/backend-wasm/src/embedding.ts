import { CqEmbedding, sizeOf, type EmbeddingAttrs } from '@cq/core/runtime';
import { registerWasmKernel } from './kernel.ts';

export function registerEmbedding(): void {
  registerWasmKernel<EmbeddingAttrs>(CqEmbedding, ({ kernels, attrs, shapes, at, output }) => {
    const { bits, channels } = attrs;
    const group = Math.min(attrs.group, channels);
    const [rows] = shapes['table'] as readonly [number, number];
    const count = sizeOf(shapes['ids']!);
    kernels.embedding(at('ids'), count, at('table'), bits, rows, channels, group, at('scale'), output.at);
  });
}
