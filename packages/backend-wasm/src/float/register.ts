import { provideBatchMatMul } from './batch-mat-mul.ts';
import { provideConvFilter } from './conv-filter.ts';
import { provideEinsum } from './einsum.ts';
import { provideErf } from './erf.ts';
import { provideFakeQuantizeCells } from './fake-quantize-cells.ts';
import { provideFakeQuantize } from './fake-quantize.ts';
import { provideFusedMatMul } from './fused-mat-mul.ts';
import { provideGelu } from './gelu.ts';
import { provideHeads } from './heads.ts';
import { provideIdentity } from './identity.ts';
import { provideLayerNorm } from './layer-norm.ts';
import { provideSegmentSum } from './segment-sum.ts';
import { provideSoftmax } from './softmax.ts';
import { provideSum } from './sum.ts';
import { provideTranspose } from './transpose.ts';

/** Every float kernel on the `wasm` backend, in place of TensorFlow.js's own where it has one. May be called again. */
export function registerFloatKernels(): void {
  provideBatchMatMul();
  provideFusedMatMul();
  provideErf();
  provideSum();
  provideIdentity();
  provideTranspose();
  provideSegmentSum();
  provideConvFilter();
  provideEinsum();
  provideGelu();
  provideLayerNorm();
  provideSoftmax();
  provideHeads();
  provideFakeQuantize();
  provideFakeQuantizeCells();
}
