import { join } from 'node:path';
import type { ArrayTensor, Dataset } from '@cq/core';
import { readSafetensors } from '@cq/import-hf';

export const fixture = (name: string): string => join(__dirname, 'fixtures/parity', name);

/**
 * `size` examples that look like the inputs of a parity fixture: pixels are noise, token ids move through the vocabulary,
 * masks and types are those of the fixture's examples in turn.
 */
export async function fixtureData(name: string, size: number): Promise<Dataset> {
  const { tensors } = await readSafetensors(join(fixture(name), 'expected.safetensors'));
  const inputs = [...tensors].flatMap(([key, tensor]) =>
    key.startsWith('input.') ? [[key.slice(6), tensor] as const] : [],
  );
  const example = (index: number): Record<string, ArrayTensor> =>
    Object.fromEntries(
      inputs.map(([input, { shape, data }]) => {
        const length = data.length / shape[0]!;
        const row = data.slice((index % shape[0]!) * length, ((index % shape[0]!) + 1) * length);
        const one = [1, ...shape.slice(1)];
        if (row instanceof Float32Array) {
          return [
            input,
            { dtype: 'float32', shape: one, data: row.map((_, i) => Math.sin((index + 1) * (i + 1) * 12.9898)) },
          ];
        }
        const moved = input === 'input_ids' ? row.map((id, i) => (id + index * (i + 3)) % 64) : row;
        return [input, { dtype: 'int32', shape: one, data: moved }];
      }),
    );
  return {
    name,
    size,
    async *batches(_, indices = Array.from({ length: size }, (__, index) => index)) {
      for (const index of indices) yield { inputs: example(index), labels: [0] };
    },
  };
}
