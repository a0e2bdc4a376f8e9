import { fileURLToPath } from 'node:url';
import { blocks, canonicalize, halfBlocks } from '@cq/core';
import { importHuggingFace } from '@cq/import-hf';

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/parity/${name}`, import.meta.url));

const layers = (end: string): readonly string[] => [0, 1, 2].map((layer) => `encoder/layer.${layer}/output/${end}`);
/** Where the blocks of each architecture end, by the names that its checkpoint has. */
const ends: Readonly<Record<string, readonly string[]>> = {
  vit: layers('AddV2'),
  'deit-distilled': layers('AddV2'),
  yolos: layers('AddV2'),
  bert: layers('LayerNorm/LayerNorm'),
  distilbert: [0, 1, 2].map((layer) => `transformer/layer.${layer}/output_layer_norm/LayerNorm`),
  swin: ['0/blocks.0', '0/blocks.1', '1/blocks.0', '1/blocks.1'].map((part) => `encoder/layers.${part}/output/AddV2`),
};

test.each(Object.keys(ends))('the blocks of %s are its layers', async (name) => {
  const graph = canonicalize(await importHuggingFace(fixture(name)));
  const found = blocks(graph);
  expect(found.map(({ kind }) => kind)).toEqual(ends[name]!.map(() => 'transformer'));
  expect(found.map(({ output }) => output)).toEqual(ends[name]);
  expect(halfBlocks(graph).map(({ kind }) => kind)).toEqual(ends[name]!.flatMap(() => ['attention', 'feed-forward']));
});
