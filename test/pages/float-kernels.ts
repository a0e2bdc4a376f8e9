import { offerTests } from './jest.ts';
import '../../packages/backend-wasm/src/float/batch-mat-mul.test.ts';
import '../../packages/backend-wasm/src/float/conv-filter.test.ts';
import '../../packages/backend-wasm/src/float/einsum.test.ts';
import '../../packages/backend-wasm/src/float/fake-quantize.test.ts';
import '../../packages/backend-wasm/src/float/fake-quantize-cells.test.ts';
import '../../packages/backend-wasm/src/float/fused-mat-mul.test.ts';
import '../../packages/backend-wasm/src/float/gelu.test.ts';
import '../../packages/backend-wasm/src/float/heads.test.ts';
import '../../packages/backend-wasm/src/float/layer-norm.test.ts';
import '../../packages/backend-wasm/src/float/softmax.test.ts';
import '../../packages/backend-wasm/src/float/sum.test.ts';
import '../../packages/backend-wasm/src/float/transpose.test.ts';

offerTests();
