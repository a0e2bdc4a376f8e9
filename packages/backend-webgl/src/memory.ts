import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import { findBackend } from '@tensorflow/tfjs-core';
import { gpuOf } from './gpu.ts';
import { textureBytes } from './texture.ts';

/** What the kernels of this package hold on the graphics card, in bytes where nothing else is said. */
export interface WebglMemory {
  /** Tensors in our textures, and what these take. */
  readonly textures: number;
  readonly bytes: number;
  /** What is kept for the next of its size. */
  readonly freeBytes: number;
  /** How often codes came back from the graphics card, since the backend began. */
  readonly readBacks: number;
}

/** What the integer kernels hold on the graphics card, beside what TensorFlow.js itself does. */
export function webglMemory(): WebglMemory {
  const { textures, freeBytes, readBacks } = gpuOf(findBackend('webgl') as MathBackendWebGL);
  const bytes = [...textures.values()].reduce((sum, texture) => sum + textureBytes(texture), 0);
  return { textures: textures.size, bytes, freeBytes, readBacks };
}
