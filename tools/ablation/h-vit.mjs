/** What each part of H-ViT brings, on DeiT-Tiny: how scales become powers of two, LayerNorm inputs, LayerNorm outputs. */
import { quantizePot } from '../../packages/quant-pot/dist/index.js';

const row = (weights, scales, streams, fold) => ({
  cells: [`${weights}/8/4`, names[scales], streams === 'per-channel' ? 'per channel' : 'one', fold ? 'yes' : 'no'],
  passes: () => [quantizePot({ weights, scales, streams, fold })],
});

const names = { float: 'float', floor: 'floor', ceil: 'ceil', nearest: 'nearest', search: '**search**' };

const all = ['float', 'floor', 'ceil', 'nearest', 'search'];

export const ablation = {
  readme: 'packages/quant-pot/README.md',
  model: 'models/deit-tiny-patch16-224',
  data: 'data/imagenet-calibration-1000',
  columns: ['W/A/attention', 'scales', 'exponents of LayerNorm inputs', 'LayerNorm outputs folded'],
  rows: [
    ...all.map((scales) => row(8, scales, 'per-tensor', false)),
    ...all.map((scales) => row(8, scales, 'per-channel', false)),
    row(8, 'search', 'per-channel', true),
    ...all.map((scales) => row(4, scales, 'per-channel', false)),
    row(4, 'search', 'per-channel', true),
  ],
  published: `As published, not measured here: ImageNet top-1 in %, all 50,000 validation images. FQ-ViT and P²-ViT quantize what this
does; their weights are per channel at 8 bits (FQ-ViT), codes asymmetric (FQ-ViT).

| W/A/attention | method | scales | DeiT-T | DeiT-S | DeiT-B |
|---|---|---|---|---|---|
| 32/32/32 | float model | | 72.21 | 79.85 | 81.85 |
| 8/8/8 | FQ-ViT (Lin et al. 2022, README) | float | 71.61 | 79.17 | 81.20 |
| 8/8/4 | FQ-ViT (Lin et al. 2022, README) | float | 71.07 | 78.40 | 80.85 |
| 8/8/4 | P²-ViT (Shi et al. 2024) | ceil | 69.82 | 76.80 | 79.36 |
| 8/8/4 | P²-ViT (Shi et al. 2024) | floor | 68.29 | 73.26 | 80.09 |
| 4/8/4 | P²-ViT (Shi et al. 2024) | float | 65.63 | 76.07 | 79.65 |
| 4/8/4 | P²-ViT (Shi et al. 2024) | nearest | 63.39 | 71.94 | 78.01 |
| 4/8/4 | P²-ViT (Shi et al. 2024) | ceil | 62.46 | 71.49 | 76.66 |
| 4/8/4 | P²-ViT (Shi et al. 2024) | floor | 61.49 | 69.04 | 78.17 |
| "INT8" | H-ViT (Liu et al. 2025, abstract) | powers of two | – | 78.43 | – |`,
};
