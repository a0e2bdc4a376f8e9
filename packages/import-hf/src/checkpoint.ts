import { CqError } from '@cq/core';
import type { Tensor } from './safetensors.ts';

/** The tensors of a model, handed out by name and checked against what the config asks for. */
export interface Checkpoint {
  /** The float tensor of this name, which must have this shape. */
  take(name: string, shape: readonly number[]): Float32Array;
  /** Throws if a tensor is left that nobody took: a sign that the graph is not the whole model. */
  finish(ignored: readonly string[]): void;
}

/** @param file What errors call the checkpoint. */
export function checkpoint(tensors: ReadonlyMap<string, Tensor>, file: string): Checkpoint {
  const taken = new Set<string>();
  return {
    take(name, shape) {
      const tensor = tensors.get(name);
      const wanted = `[${shape.join(', ')}]`;
      if (!tensor) {
        throw new CqError(
          `${file}: tensor "${name}" of shape ${wanted} must be there by config.json, got no such tensor`,
        );
      }
      if (tensor.shape.length !== shape.length || !shape.every((size, axis) => size === tensor.shape[axis])) {
        throw new CqError(
          `${file}: tensor "${name}" must have shape ${wanted} by config.json, got [${tensor.shape.join(', ')}]`,
        );
      }
      if (!(tensor.data instanceof Float32Array)) {
        throw new CqError(`${file}: tensor "${name}" must be of a float type, got integers`);
      }
      taken.add(name);
      return tensor.data;
    },
    finish(ignored) {
      const left = [...tensors.keys()].filter((name) => !taken.has(name) && !ignored.includes(name));
      if (left.length > 0) {
        const others = left.length > 1 ? ` and ${left.length - 1} more` : '';
        throw new CqError(
          `${file}: every tensor must have a place in the architecture of config.json, got "${left[0]}"${others}`,
        );
      }
    },
  };
}
