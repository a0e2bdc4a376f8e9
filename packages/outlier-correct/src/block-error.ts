import { mean, squaredDifference, type Tensor } from '@tensorflow/tfjs-core';

/** The name under which a block's float output stands beside its inputs. */
export const EXPECTED = 'the float output';

type Tensors = Readonly<Record<string, Tensor>>;

/** Mean squared error of a block's output, as a loss. @param batch With the float output. */
export const blockError =
  (output: string) =>
  ({ values, batch }: { readonly values: Tensors; readonly batch: Tensors }): Tensor =>
    mean(squaredDifference(values[output]!, batch[EXPECTED]!));
