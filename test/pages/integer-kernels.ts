import { offerTests } from './jest.ts';
import '../../packages/backend-wasm/src/add.test.ts';
import '../../packages/backend-wasm/src/attention.test.ts';
import '../../packages/backend-wasm/src/dequantize.test.ts';
import '../../packages/backend-wasm/src/dynamic-linear.test.ts';
import '../../packages/backend-wasm/src/embedding.test.ts';
import '../../packages/backend-wasm/src/float-linear.test.ts';
import '../../packages/backend-wasm/src/layer-norm.test.ts';
import '../../packages/backend-wasm/src/linear.test.ts';
import '../../packages/backend-wasm/src/patch-embed.test.ts';
import '../../packages/backend-wasm/src/quantize.test.ts';
import '../../packages/backend-wasm/src/shift-attention.test.ts';
import '../../packages/backend-wasm/src/shift-layer-norm.test.ts';
import '../../packages/backend-wasm/src/shift-linear.test.ts';
import '../../packages/backend-wasm/src/shift-patch-embed.test.ts';
import '../../packages/backend-wasm/src/weight.test.ts';

offerTests();
