import '@cq/backend-wasm';
import {
  compress,
  consumersOf,
  fromArtifacts,
  int8,
  lower,
  maskOf,
  pack,
  quantizeUniform,
  weightOf,
  type Graph,
  type Pass,
} from '@cq/core';
import { fromPanels, type PanelAttrs } from '@cq/core/runtime';
import { importHuggingFace } from '@cq/import-hf';
import { prune } from '@cq/prune';
import { setBackend } from '@tensorflow/tfjs-core';
import { fixture, fixtureData } from './fixture-data.ts';

beforeAll(() => setBackend('wasm'));

const half = (options = {}): Pass => prune({ sparsity: 0.5, ...options });

const orders: readonly (readonly [string, readonly Pass[]])[] = [
  ['P → Q', [half(), ...int8()]],
  ['Q → P', [...int8(), half()]],
  ['P → Q with 4 bits', [half({ score: 'wanda' }), quantizeUniform({ weights: 4 })]],
  ['tiles → Q', [half({ structure: 'block', block: [8, 4] }), ...int8()]],
  ['2 of 4 → Q', [half({ structure: 'n:m' }), ...int8()]],
];

/** For every layer with a mask its codes [outputs, inputs] as integers, and which of them are masked. */
function layers(annotated: Graph, lowered: Graph) {
  return [...annotated.nodes.values()].flatMap((product) => {
    const weight = product.op === 'MatMul' ? weightOf(annotated, product.inputs[1]) : undefined;
    const mask = weight && maskOf(annotated, weight.name);
    if (!mask) return [];
    let node = product;
    while (lowered.nodes.get(node.name)?.op !== 'CqLinear') node = consumersOf(annotated, node.name)[0]!;
    const { attrs, inputs } = lowered.nodes.get(node.name)!;
    const { outputs, inputs: depth, weightBits } = attrs as unknown as PanelAttrs;
    const codes = fromPanels(lowered.weights.get(inputs[1]!)!.data as Uint8Array, outputs, depth, weightBits);
    const keep = annotated.weights.get(mask.inputs[1]!)!.data;
    const rowMajor = product.attrs['transpose_b'] === true;
    const masked = Array.from(codes, (_, i) => {
      const [n, k] = [Math.floor(i / depth), i % depth];
      return keep[rowMajor ? i : k * outputs + n] === 0;
    });
    return [{ codes, masked }];
  });
}

test.each(orders)('%s: every masked weight is 0 in the integers that run, stored and read again', async (_, passes) => {
  const model = await importHuggingFace(fixture('vit'));
  const { graph } = await compress(model, passes, { calibration: await fixtureData('vit', 4) });
  const found = layers(graph, fromArtifacts(pack(lower(graph).graph)));
  expect(found.length).toBeGreaterThanOrEqual(10);
  for (const { codes, masked } of found) {
    expect(masked.filter(Boolean).length).toBeGreaterThanOrEqual(0.45 * codes.length);
    expect(codes.filter((code, i) => masked[i] && code !== 0)).toHaveLength(0);
    expect(codes.some((code) => code !== 0)).toBe(true);
  }
});
