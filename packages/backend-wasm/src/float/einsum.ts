import {
  backend_util,
  broadcastTo,
  clone,
  einsum as einsumOp,
  getGradient,
  matMul,
  registerGradient,
  reshape,
  sum,
  tidy,
  transpose,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { sizeOf } from '@cq/core/runtime';
import { provide } from './kernel.ts';

interface EinsumAttrs {
  readonly equation: string;
}

/**
 * Einsum of one or two tensors as a matrix product with a batch, and its gradient. TensorFlow.js has no such kernel on
 * `wasm`, and the gradient on no backend.
 */
export function provideEinsum(): void {
  provide<EinsumAttrs>('Einsum', () => (_, inputs, { equation }) => {
    return tidy(() => einsum(equation, Object.values(inputs) as Tensor[]));
  });
  if (getGradient('Einsum')) return;
  registerGradient({
    kernelName: 'Einsum',
    saveAllInputs: true,
    gradFunc: (dy, inputs, attrs) => {
      const gradients = inputs.map((_, i) => () => gradient(attrs['equation'] as string, i, inputs, dy as Tensor));
      return Object.fromEntries(gradients.entries());
    },
  });
}

function einsum(equation: string, tensors: readonly Tensor[]): Tensor {
  const { allDims, idDims } = backend_util.decodeEinsumEquation(equation, tensors.length);
  backend_util.checkEinsumDimSizes(allDims.length, idDims, [...tensors]);
  const { terms, output } = parse(equation);
  const wanted = (i: number): string => output + terms.filter((_, j) => j !== i).join('');
  const [a, b] = tensors.map((tensor, i) => summed({ tensor, labels: terms[i]! }, wanted(i)));
  const result = ordered(b ? contracted(a!, b, output) : a!, output);
  return result === tensors[0] ? clone(result) : result;
}

/** A tensor with a letter for each axis. */
interface Labelled {
  readonly tensor: Tensor;
  readonly labels: string;
}

function parse(equation: string): { readonly terms: readonly string[]; readonly output: string } {
  const [inputs, output] = equation.replace(/\s/g, '').split('->') as [string, string];
  return { terms: inputs.split(','), output };
}

const only = (labels: string, kept: (label: string) => boolean): string => [...labels].filter(kept).join('');

/** Sums over the axes that nobody else names. */
function summed({ tensor, labels }: Labelled, named: string): Labelled {
  const axes = [...labels].flatMap((label, axis) => (named.includes(label) ? [] : [axis]));
  return axes.length === 0
    ? { tensor, labels }
    : { tensor: sum(tensor, axes), labels: only(labels, (label) => named.includes(label)) };
}

function ordered({ tensor, labels }: Labelled, order: string): Tensor {
  return labels === order
    ? tensor
    : transpose(
        tensor,
        [...order].map((label) => labels.indexOf(label)),
      );
}

/** Both as [batch, rows or columns, depth], or stored the other way round. */
function contracted(a: Labelled, b: Labelled, output: string): Labelled {
  const batch = only(a.labels, (label) => b.labels.includes(label) && output.includes(label));
  const depth = only(a.labels, (label) => b.labels.includes(label) && !output.includes(label));
  const rows = only(a.labels, (label) => !b.labels.includes(label));
  const columns = only(b.labels, (label) => !a.labels.includes(label));
  const sizes = new Map(
    [a, b].flatMap(({ tensor, labels }) => [...labels].map((label, i) => [label, tensor.shape[i]!])),
  );
  const shape = (labels: string): number[] => [...labels].map((label) => sizes.get(label)!);
  const matrices = (from: Labelled, first: string, second: string): Tensor =>
    reshape(ordered(from, batch + first + second), [...[batch, first, second].map((labels) => sizeOf(shape(labels)))]);
  const transposeA = a.labels === batch + depth + rows;
  const transposeB = b.labels === batch + columns + depth;
  const left = transposeA ? matrices(a, depth, rows) : matrices(a, rows, depth);
  const right = transposeB ? matrices(b, columns, depth) : matrices(b, depth, columns);
  const labels = batch + rows + columns;
  return { tensor: reshape(matMul(left, right, transposeA, transposeB), shape(labels)), labels };
}

/** Of one operand: the einsum of dy and the other one, repeated along the axes that were summed away. */
function gradient(equation: string, operand: number, inputs: readonly Tensor[], dy: Tensor): Tensor {
  const { terms, output } = parse(equation);
  const own = terms[operand]!;
  const others = terms.filter((_, i) => i !== operand);
  const found = only(own, (label) => (output + others.join('')).includes(label));
  const tensors = inputs.filter((_, i) => i !== operand);
  const product = einsumOp(`${[output, ...others].join(',')}->${found}`, dy, ...tensors);
  if (found === own) return product;
  const { shape } = inputs[operand]!;
  const kept = [...own].map((label, axis) => (found.includes(label) ? shape[axis]! : 1));
  return broadcastTo(reshape(product, kept), shape);
}
