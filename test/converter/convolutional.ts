import type { io } from '@tensorflow/tfjs-core';
import { attr, converted, type ConvertedNode, type ConvertedWeight } from './artifacts.ts';

export const classes = 4;

/** Numbers that look random and are the same in every run. */
const noise = (name: string, shape: readonly number[], center = 0, spread = 0.5): ConvertedWeight => {
  const length = shape.reduce((size, side) => size * side, 1);
  return {
    name,
    shape,
    data: Float32Array.from({ length }, (_, i) => center + spread * Math.sin((i + name.length) * 12.9898)),
  };
};

export const weights = {
  stem: noise('stem/kernel', [3, 3, 3, 6]),
  stemBias: noise('stem/bias', [6], 0, 0.2),
  depthwise: noise('depthwise/kernel', [3, 3, 6, 1]),
  gamma: noise('norm/gamma', [6], 1, 0.3),
  beta: noise('norm/beta', [6], 0, 0.3),
  mean: noise('norm/moving_mean', [6], 0, 0.3),
  variance: noise('norm/moving_variance', [6], 1, 0.4),
  point: noise('point/kernel', [1, 1, 6, 8]),
  pointBias: noise('point/bias', [8], 0, 0.2),
  dense: noise('dense/kernel', [8, classes], 0, 1),
  denseBias: noise('dense/bias', [classes], 0, 0.2),
} as const;

const convolution = (stride: number, padding: string): Record<string, unknown> => ({
  T: attr.float,
  strides: attr.integers(1, stride, stride, 1),
  dilations: attr.integers(1, 1, 1, 1),
  padding: attr.text(padding),
  data_format: attr.text('NHWC'),
  explicit_paddings: { list: {} },
});

/** Up to the features: [batch, 8]. */
const trunk: readonly ConvertedNode[] = [
  { name: 'images', op: 'Placeholder', attr: { dtype: attr.float, shape: attr.shape(-1, 8, 8, 3) } },
  {
    name: 'stem/Relu6',
    op: '_FusedConv2D',
    input: ['images', 'stem/kernel', 'stem/bias'],
    attr: {
      ...convolution(2, 'SAME'),
      fused_ops: attr.texts('BiasAdd', 'Relu6'),
      num_args: attr.integer(1),
      num_host_args: attr.integer(0),
      TArgs: { list: { type: ['DT_FLOAT'] } },
      epsilon: attr.number(0),
      leakyrelu_alpha: attr.number(0.2),
      use_cudnn_on_gpu: attr.flag(true),
    },
  },
  {
    name: 'depthwise',
    op: 'DepthwiseConv2dNative',
    input: ['stem/Relu6', 'depthwise/kernel'],
    attr: convolution(1, 'SAME'),
  },
  {
    name: 'norm/FusedBatchNormV3',
    op: 'FusedBatchNormV3',
    input: ['depthwise', 'norm/gamma', 'norm/beta', 'norm/moving_mean', 'norm/moving_variance'],
    attr: {
      T: attr.float,
      U: attr.float,
      data_format: attr.text('NHWC'),
      epsilon: attr.number(0.001),
      exponential_avg_factor: attr.number(1),
      is_training: attr.flag(false),
    },
  },
  { name: 'Relu6', op: 'Relu6', input: ['norm/FusedBatchNormV3'], attr: { T: attr.float } },
  {
    name: 'pool',
    op: 'MaxPool',
    input: ['Relu6'],
    attr: {
      ...convolution(2, 'VALID'),
      ksize: attr.integers(1, 2, 2, 1),
    },
  },
  {
    name: 'point',
    op: 'Conv2D',
    input: ['pool', 'point/kernel'],
    attr: { ...convolution(1, 'VALID'), use_cudnn_on_gpu: attr.flag(true) },
  },
  {
    name: 'point/BiasAdd',
    op: 'BiasAdd',
    input: ['point', 'point/bias'],
    attr: { T: attr.float, data_format: attr.text('NHWC') },
  },
  { name: 'point/Relu', op: 'Relu', input: ['point/BiasAdd'], attr: { T: attr.float } },
  {
    name: 'features',
    op: 'Mean',
    input: ['point/Relu', 'features/axes'],
    attr: { T: attr.float, Tidx: { type: 'DT_INT32' }, keep_dims: attr.flag(false) },
  },
];

const head: readonly ConvertedNode[] = [
  {
    name: 'dense/MatMul',
    op: 'MatMul',
    input: ['features', 'dense/kernel'],
    attr: { T: attr.float, transpose_a: attr.flag(false), transpose_b: attr.flag(false) },
  },
  {
    name: 'dense/BiasAdd',
    op: 'BiasAdd',
    input: ['dense/MatMul', 'dense/bias'],
    attr: { T: attr.float, data_format: attr.text('NHWC') },
  },
  { name: 'Softmax', op: 'Softmax', input: ['dense/BiasAdd'], attr: { T: attr.float } },
  { name: 'Identity', op: 'Identity', input: ['Softmax'], attr: { T: attr.float } },
];

const axes: ConvertedWeight = { name: 'features/axes', shape: [2], data: Int32Array.of(1, 2) };

/** A small MobileNet as tensorflowjs_converter writes it: [batch, 8, 8, 3] → probabilities [batch, classes]. */
export const convolutionalNetwork = (): io.ModelArtifacts =>
  converted([...trunk, ...head], [...Object.values(weights), axes], { Identity: [-1, classes] });

/** The same without its dense layer: nothing in it but convolutions. */
export const convolutionsAlone = (): io.ModelArtifacts => {
  const { dense: _, denseBias: __, ...others } = weights;
  return converted(trunk, [...Object.values(others), axes], { features: [-1, 8] });
};

/** The network by its definition, one image [8, 8, 3] in doubles. */
export function definition(image: Float32Array): number[] {
  const relu6 = (x: number): number => Math.min(Math.max(x, 0), 6);
  const { data: gamma } = weights.gamma;
  const stem = correlated({ side: 8, channels: 3, data: [...image] }, weights.stem, 2, false).map((x, i) =>
    relu6(x + weights.stemBias.data[i % 6]!),
  );
  const deep = correlated({ side: 4, channels: 6, data: stem }, weights.depthwise, 1, true).map((x, i) => {
    const [c, { data: beta }, { data: mean }, { data: variance }] = [
      i % 6,
      weights.beta,
      weights.mean,
      weights.variance,
    ];
    return relu6(((x - mean[c]!) / Math.sqrt(variance[c]! + 0.001)) * gamma[c]! + beta[c]!);
  });
  const pooled = Array.from({ length: 2 * 2 * 6 }, (_, i) => {
    const [row, column, c] = [Math.floor(i / 12), Math.floor(i / 6) % 2, i % 6];
    const at = (y: number, x: number): number => deep[((2 * row + y) * 4 + 2 * column + x) * 6 + c]!;
    return Math.max(at(0, 0), at(0, 1), at(1, 0), at(1, 1));
  });
  const features = Array<number>(8).fill(0);
  for (let at = 0; at < 4; at++) {
    for (let n = 0; n < 8; n++) {
      let sum = weights.pointBias.data[n]!;
      for (let c = 0; c < 6; c++) sum += pooled[at * 6 + c]! * weights.point.data[c * 8 + n]!;
      features[n]! += Math.max(sum, 0) / 4;
    }
  }
  const logits = Array.from({ length: classes }, (_, n) =>
    features.reduce((sum, x, k) => sum + x * weights.dense.data[k * classes + n]!, weights.denseBias.data[n]!),
  );
  const total = logits.reduce((sum, x) => sum + Math.exp(x), 0);
  return logits.map((x) => Math.exp(x) / total);
}

interface Picture {
  readonly side: number;
  readonly channels: number;
  readonly data: readonly number[];
}

/** A 3 × 3 convolution as TensorFlow's SAME pads it: more behind than in front. */
function correlated(
  { side, channels, data }: Picture,
  { shape, data: w }: ConvertedWeight,
  stride: number,
  depthwise: boolean,
): number[] {
  const [outputs, count] = [depthwise ? channels : shape[3]!, Math.ceil(side / stride)];
  const before = Math.floor(((count - 1) * stride + 3 - side) / 2);
  return Array.from({ length: count * count * outputs }, (_, i) => {
    const [row, column, n] = [Math.floor(i / (count * outputs)), Math.floor(i / outputs) % count, i % outputs];
    let sum = 0;
    for (let y = 0; y < 3; y++) {
      for (let x = 0; x < 3; x++) {
        const [r, s] = [row * stride + y - before, column * stride + x - before];
        if (r < 0 || s < 0 || r >= side || s >= side) continue;
        const pixel = (r * side + s) * channels;
        if (depthwise) sum += data[pixel + n]! * w[(y * 3 + x) * channels + n]!;
        else
          for (let c = 0; c < channels; c++) sum += data[pixel + c]! * w[((y * 3 + x) * channels + c) * outputs + n]!;
      }
    }
    return sum;
  });
}
