import { CqError } from '@cq/core';
import type { Tensor } from './safetensors.ts';

/** The tensors of a model, handed out by name and checked against what the config asks for. */
export interface Checkpoint {
  /** The float tensor of this name, which must have this shape. */
  take(name: string, shape: readonly number[]): Float32Array;
  /**
   * The first of these tensors that is there. Training tied them together, so that others, if they are there, must hold
   * the same values; which of them counts would else depend on the program that loads the model.
   */
  takeTied(names: readonly string[], shape: readonly number[]): Float32Array;
  /** Throws if a tensor is left that nobody took: a sign that the graph is not the whole model. */
  finish(ignored: readonly string[]): void;
}

/** @param file What errors call the checkpoint. */
export function checkpoint(tensors: ReadonlyMap<string, Tensor>, file: string): Checkpoint {
  const taken = new Set<string>();
  const storedName = (name: string): string => {
    const old = oldName(name);
    return old !== undefined && !tensors.has(name) && tensors.has(old) ? old : name;
  };
  const self: Checkpoint = {
    take(name, shape) {
      const stored = storedName(name);
      const tensor = tensors.get(stored);
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
      taken.add(stored);
      return tensor.data;
    },
    takeTied(names, shape) {
      const present = names.filter((name) => tensors.has(storedName(name)));
      const [first = names[0]!, ...others] = present;
      const data = self.take(first, shape);
      for (const other of others) {
        const index = self.take(other, shape).findIndex((value, i) => !Object.is(value, data[i]));
        if (index >= 0) {
          throw new CqError(
            `${file}: tensor "${other}" must equal "${first}", to which config.json ties it, got another value at index ${index}`,
          );
        }
      }
      return data;
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
  return self;
}

/** Checkpoints that began in TensorFlow, such as the first BERT, say gamma and beta. */
function oldName(name: string): string | undefined {
  if (name.endsWith('LayerNorm.weight')) return name.replace(/weight$/, 'gamma');
  return name.endsWith('LayerNorm.bias') ? name.replace(/bias$/, 'beta') : undefined;
}
