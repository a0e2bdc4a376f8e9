import { sizeOf } from '@cq/core/runtime';
import { ensure, ensureFloats, provide } from './kernel.ts';

interface SegmentSumAttrs {
  readonly numSegments: number;
}

/**
 * The rows of x added up by their ids: the gradient of an embedding. TensorFlow.js has no such kernel on `wasm`. Rows whose
 * id is none of the segments do not count.
 */
export function provideSegmentSum(): void {
  provide<SegmentSumAttrs>('UnsortedSegmentSum', () => ({ kernels, at, make }, { x, segmentIds }, { numSegments }) => {
    ensureFloats('UnsortedSegmentSum', { x: x! });
    const { dtype, shape } = segmentIds!;
    const [rows, ...rest] = x!.shape as [number, ...number[]];
    ensure(dtype === 'int32', 'UnsortedSegmentSum', 'segmentIds must be int32', dtype);
    ensure(
      ...([shape.length === 1 && shape[0] === rows, 'UnsortedSegmentSum'] as const),
      ...([`segmentIds must be [${rows}], one for each row of x`, `[${shape.join(', ')}]`] as const),
    );
    const sums = make([numSegments, ...rest]);
    kernels.segmentSum(at(x!), at(segmentIds!), rows, sizeOf(rest), numSegments, at(sums));
    return sums;
  });
}
