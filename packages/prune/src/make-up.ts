import {
  addToBias,
  centred,
  edit,
  gram,
  layersInTurn,
  linearFeedback,
  matrixOf,
  outputEnergy,
  weightOf,
  withMatrix,
  type Graph,
  type Matrix,
  type Node,
  type PassContext,
} from '@cq/core';

/** Of the Gram matrix's diagonal: calibration sets are small. */
const DAMPING = 0.1;

/**
 * The entries that stay make up for those that a mask has just dropped, layer by layer in network order, so that each
 * layer's output changes least on what the layers before it feed it now; biases take the mean. Entries that were masked
 * before are no loss, and a weight that two layers read stays as it is. Source: SparseGPT (Frantar and Alistarh 2023), with
 * the inputs in the order of their size, and with masks that are given (reconstruction).
 * @param graph With the new masks; the data beneath them still the weight's own.
 * @param given The graph without them.
 */
export function makeUp(graph: Graph, given: Graph, context: PassContext): Promise<Graph> {
  const fresh = ({ name }: Node): boolean => {
    const [own, old] = [graph, given].map((each) => matrixOf(each, each.nodes.get(name)!).mask);
    return own?.some((keep, i) => keep === 0 && (old?.[i] ?? 1) !== 0) === true;
  };
  return layersInTurn(
    graph,
    {
      wants: fresh,
      statistic: gram({ ones: true }),
      change(current, name, seen) {
        const product = current.nodes.get(name)!;
        const { gram: around, means } = centred(seen);
        const old = matrixOf(given, given.nodes.get(name)!);
        const whole = old.data.map((value, i) => (old.mask?.[i] === 0 ? 0 : value));
        const { mask } = matrixOf(current, product) as Required<Matrix>;
        const updated = new Float32Array(whole.length);
        linearFeedback(around, { order: 'diagonal', damping: DAMPING })(whole, (entry, wanted) => {
          updated[entry] = mask[entry] === 0 ? 0 : wanted;
          return updated[entry]!;
        });
        const masked = whole.map((value, i) => (mask[i] === 0 ? 0 : value));
        const lostBy = (data: Float32Array): Float32Array => whole.map((value, i) => value - data[i]!);
        const [before, after] = [masked, updated].map((data) => outputEnergy(around, lostBy(data))) as [number, number];
        const data = after < before ? updated : masked; // Damped, and one input at a time, it may lose.
        const decibels = (noise: number): number => 10 * Math.log10(outputEnergy(around, whole) / noise);
        context.changed(weightOf(current, product.inputs[1])!.name, {
          sqnr: { before: decibels(before), after: decibels(Math.min(before, after)) },
        });
        const moved = edit(current, { weights: [withMatrix(current, product, data)] });
        const lost = lostBy(data);
        return addToBias(moved, moved.nodes.get(name)!, meanOf(means, lost));
      },
    },
    context,
  );
}

/** What a layer of these weights puts out at the mean of its inputs: one number per output. */
function meanOf(means: Float64Array, weights: Float32Array): Float64Array {
  const outputs = weights.length / means.length;
  const sums = new Float64Array(outputs);
  weights.forEach((weight, i) => (sums[i % outputs]! += means[Math.floor(i / outputs)]! * weight));
  return sums;
}
