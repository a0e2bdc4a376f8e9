import { backend_util, type Conv2DBackpropFilterAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { ensure, ensureFloats, ensureShape, provide, type Call } from './kernel.ts';
import { FLOAT, product } from './product.ts';

/** The gradient of a convolution's filter, which TensorFlow.js does not have on `wasm`. */
export function provideConvFilter(): void {
  provide<Conv2DBackpropFilterAttrs>('Conv2DBackpropFilter', () => (call, { x, dy }, attrs) => {
    return convFilter(call, x!, dy!, attrs);
  });
}

/**
 * What the filter sees of an image is a matrix of one row a place: its transpose times dy, added up over the images.
 * x [batch, height, width, channels], dy [batch, rows, columns, outputs] → [filterHeight, filterWidth, channels, outputs].
 */
function convFilter(call: Call, x: TensorInfo, dy: TensorInfo, attrs: Conv2DBackpropFilterAttrs): TensorInfo {
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs;
  ensureFloats('Conv2DBackpropFilter', { x, dy });
  ensure(dataFormat === 'NHWC', 'Conv2DBackpropFilter', 'dataFormat must be NHWC', dataFormat);
  const info = backend_util.computeConv2DInfo(x.shape as Four, filterShape, strides, 1, pad, dimRoundingMode);
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterHeight, filterWidth } = info;
  ensureShape('Conv2DBackpropFilter', 'dy', dy, info.outShape);

  const filter = call.make(filterShape);
  const sizes = { rows: filterHeight * filterWidth * inChannels, columns: outChannels, depth: outHeight * outWidth };
  const seen = call.make([sizes.depth, sizes.rows]);
  const [left, right, sums] = [
    { at: call.at(seen), stride: sizes.rows, transposed: true },
    { at: call.at(dy), stride: outChannels },
    { at: call.at(filter), stride: outChannels },
  ] as const;
  if (info.batchSize === 0) product(call, left, right, sums, { ...sizes, depth: 0 });
  for (let image = 0; image < info.batchSize; image++) {
    call.kernels.patches(
      ...[call.at(x) + image * inHeight * inWidth * inChannels * FLOAT, inHeight, inWidth, inChannels],
      ...[filterHeight, filterWidth, info.strideHeight, info.strideWidth, info.padInfo.top, info.padInfo.left],
      ...[outHeight, outWidth, left.at],
    );
    const given = { ...right, at: right.at + image * sizes.depth * outChannels * FLOAT };
    product(call, left, given, sums, sizes, { more: image > 0 });
  }
  call.backend.disposeData(seen.dataId, true);
  return filter;
}

type Four = [number, number, number, number];
