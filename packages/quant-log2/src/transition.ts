import { edit, type Attr, type Graph, type Node, type Weight } from '@cq/core';
import { scalar, type Tensor } from '@tensorflow/tfjs-core';
import { bitsAt, shareAt, type BitSchedule, type Stage } from './bits-at.ts';

/** A part of a model with its codes in transition, and what is to be fed into it at each step. */
export interface Transition {
  readonly graph: Graph;
  feeds(step: number): Readonly<Record<string, Tensor>>;
}

/** Constants of a transition. */
const [WIDE, NARROW, RATIO] = ['transition/wide', 'transition/narrow', 'transition/ratio'];

/**
 * Puts quantizers of more bits in the place of those of the target, on the same range and behind the same trained scale:
 *
 *     mix          x ──► λ · FakeQuantize(wide bits) + (1 − λ) · FakeQuantize(narrow bits)
 *     step         x ──► FakeQuantize(wide bits)
 *     continuous   x ──► clip to the target's range ──► FakeQuantize(16 bits, scale · (2^target − 1) / (2^b − 1))
 *
 * At λ = 0, and where wide and narrow are the target, it is the graph that was given. Source: TP-ViT's transition weights
 * (reconstruction; methods 4.4); continuous after Bit-shrinking (Lin et al. 2023).
 * @param annotations Names of the CqFakeQuantize nodes that take part, all of `target` bits.
 */
export function transition(
  graph: Graph,
  annotations: readonly string[],
  target: number,
  stage: Stage,
  schedule: BitSchedule,
): Transition {
  const { wide, narrow, steps } = stage;
  if (wide === target && narrow === target) return { graph, feeds: () => ({}) };
  const constants = new Map<string, Weight>();
  const constant = (name: string, value: number): string => {
    constants.set(name, { name, dtype: 'float32', shape: [], data: Float32Array.of(value) });
    return name;
  };
  const nodes: Node[] = [];
  const add = (name: string, op: string, inputs: readonly string[], attrs: Node['attrs'] = {}): string => {
    nodes.push({ name, op, inputs, attrs });
    return name;
  };
  /** The quantizer with other bits on the same range. */
  const quantize = (name: string, { inputs: [x, scale], attrs }: Node, bits: number): string => {
    const uniform = attrs['kind'] === 'uniform';
    const ratio = (2 ** target - 1) / (2 ** bits - 1);
    const wider = uniform ? add(`${name}/scale`, 'Mul', [scale!, constant(`transition/ratio${bits}`, ratio)]) : scale!;
    return add(name, 'CqFakeQuantize', [x!, wider], {
      ...attrs,
      bits,
      ...(uniform && { zero_point: zeroPoints(attrs, target, bits) }),
    });
  };
  for (const annotation of annotations) {
    const node = graph.nodes.get(annotation)!;
    const part = (what: string): string => `${annotation}/${what}`;
    if (schedule === 'continuous') {
      if (node.attrs['kind'] !== 'uniform') continue;
      const [x, scale] = node.inputs as [string, string];
      const [low, high] = ends(node.attrs, target);
      const [lowest, highest] = [low, high].map((codes, i) => {
        const factor = part(i === 0 ? 'lowest' : 'highest');
        constants.set(factor, {
          name: factor,
          dtype: 'float32',
          shape: [codes.length],
          data: Float32Array.from(codes),
        });
        return add(`${factor}/value`, 'Mul', [scale, factor]);
      }) as [string, string];
      const clipped = add(part('clipped'), 'Minimum', [add(part('raised'), 'Maximum', [x, lowest]), highest]);
      const finer = add(part('finer'), 'Mul', [scale, constant(RATIO, 1)]);
      const zeros = (node.attrs['zero_point'] as readonly number[]).map(() => 0);
      nodes.push({
        ...node,
        inputs: [clipped, finer],
        attrs: { ...node.attrs, bits: 16, signed: true, zero_point: zeros },
      });
      continue;
    }
    if (wide === narrow) {
      const name = part('wide');
      quantize(name, node, wide);
      const last = nodes.pop()!;
      nodes.push({ ...last, name: annotation });
      continue;
    }
    const finer = add(part('finer'), 'Mul', [quantize(part('wide'), node, wide), constant(WIDE, 0)]);
    const coarser = add(part('coarser'), 'Mul', [quantize(part('narrow'), node, narrow), constant(NARROW, 1)]);
    nodes.push({ name: annotation, op: 'AddV2', inputs: [finer, coarser], attrs: {} });
  }
  return {
    graph: edit(graph, { nodes, weights: constants.values() }),
    feeds(step): Readonly<Record<string, Tensor>> {
      if (schedule === 'continuous') return { [RATIO]: scalar((2 ** target - 1) / (2 ** bitsAt(stage, step) - 1)) };
      const share = shareAt(step, steps);
      return wide === narrow ? {} : { [WIDE]: scalar(share), [NARROW]: scalar(1 - share) };
    },
  };
}

/** Codes of 0 on the same range with other bits. */
function zeroPoints(attrs: Readonly<Record<string, Attr>>, target: number, bits: number): readonly number[] {
  const first = (b: number): number => (attrs['signed'] === true ? -(2 ** (b - 1)) : 0);
  const zeros = attrs['zero_point'] as readonly number[];
  return zeros.map((zero) => first(bits) + Math.round(((zero - first(target)) * (2 ** bits - 1)) / (2 ** target - 1)));
}

/** The lowest and the highest level of each scale, in steps. */
function ends(attrs: Readonly<Record<string, Attr>>, bits: number): readonly [low: number[], high: number[]] {
  const first = attrs['signed'] === true ? -(2 ** (bits - 1)) : 0;
  const zeros = attrs['zero_point'] as readonly number[];
  return [zeros.map((zero) => first - zero), zeros.map((zero) => first + 2 ** bits - 1 - zero)];
}
