import { build, type Graph } from '@cq/core';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';

export interface TinyViTOptions {
  readonly blocks?: number;
  readonly hidden?: number;
  readonly heads?: number;
  /** Patches along one side of the image; the class token is one token more. */
  readonly side?: number;
  /** Pixels along one side of a patch. */
  readonly patch?: number;
  readonly channels?: number;
  readonly classes?: number;
  readonly approximateGelu?: boolean;
}

/**
 * A ViT of a few thousand random weights in canonical form: images [batch, channels, height, width] → logits.
 * The same options and seed give the same graph.
 */
export function tinyViT(options: TinyViTOptions, seed: number): Graph {
  const { blocks = 2, hidden = 16, heads = 2, side = 4, patch = 2, channels = 3, classes = 5 } = options;
  const { approximateGelu = false } = options;
  const tokens = side * side + 1;
  const depth = hidden / heads;
  const epsilon = Math.fround(1e-12);
  const b = build();
  const random = xoroshiro128plus(seed);
  const weight = (name: string, shape: readonly number[], center = 0, spread = 0.5): string => {
    const size = shape.reduce((count, length) => count * length, 1);
    const data = Float32Array.from({ length: size }, () => center + spread * (2 * uniformFloat64(random) - 1));
    return b.weight(name, shape, data);
  };
  const dense = (name: string, x: string, inputs: number, outputs: number): string => {
    const product = b.node(`${name}/product`, 'MatMul', [x, weight(`${name}/weight`, [inputs, outputs])]);
    return b.node(name, 'BiasAdd', [product, weight(`${name}/bias`, [outputs], 0, 0.1)]);
  };
  const norm = (name: string, x: string): string =>
    b.node(name, 'LayerNorm', [x, weight(`${name}/gamma`, [hidden], 1), weight(`${name}/beta`, [hidden])], { epsilon });

  const pixels = b.input('pixels', 'float32', [-1, channels, side * patch, side * patch]);
  const grid = b.node('patches', 'Patches', [pixels], { size: patch, channels, rows: side, columns: side });
  const embedded = dense('embed', grid, channels * patch * patch, hidden);
  const paddings = b.weight('class/paddings', [3, 2], Int32Array.of(0, 0, 1, 0, 0, 0));
  const padded = b.node('class', 'Pad', [embedded, paddings]);
  let x = b.node('positions', 'AddV2', [padded, weight('positions/weight', [1, tokens, hidden])]);
  for (let i = 0; i < blocks; i++) {
    const name = (part: string): string => `block${i}/${part}`;
    const before = norm(name('before'), x);
    const [q, k, v] = ['query', 'key', 'value'].map((part) => dense(name(part), before, hidden, hidden));
    const factor = Math.fround(1 / Math.sqrt(depth));
    const logits = b.node(name('logits'), 'AttentionLogits', [q!, k!], { heads, depth, tokens, factor });
    const probabilities = b.node(name('probabilities'), 'Softmax', [logits]);
    const context = b.node(name('context'), 'AttentionContext', [probabilities, v!], { heads, depth, tokens });
    const attended = b.node(name('attended'), 'AddV2', [dense(name('output'), context, hidden, hidden), x]);
    const widened = dense(name('widen'), norm(name('after'), attended), hidden, 4 * hidden);
    const active = b.node(name('gelu'), 'Gelu', [widened], { approximate: approximateGelu });
    x = b.node(name('sum'), 'AddV2', [dense(name('narrow'), active, 4 * hidden, hidden), attended]);
  }
  const begin = b.weight('token/begin', [3], Int32Array.of(0, 0, 0));
  const size = b.weight('token/size', [3], Int32Array.of(-1, 1, -1));
  const row = b.weight('token/row', [2], Int32Array.of(-1, hidden));
  const token = b.node('token', 'Reshape', [b.node('first', 'Slice', [x, begin, size]), row]);
  b.output('logits', dense('head', norm('norm', token), hidden, classes), [-1, classes]);
  return b.graph({ task: 'image-classification' });
}
