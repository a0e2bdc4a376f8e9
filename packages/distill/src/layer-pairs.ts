import { blocks, CqError, producer, type Block, type Graph } from '@cq/core';

/** A block of the student and the one of the teacher that it is to be like, counted from 0. */
export type LayerPair = readonly [student: number, teacher: number];

/** Two values that are to be alike. */
export interface ValuePair {
  readonly student: string;
  readonly teacher: string;
}

/** What hidden-state and attention losses compare. */
export type ValuePairs = Readonly<Record<'hidden' | 'attention', readonly ValuePair[]>>;

/** Each block of the student with the last of an equal share of the teacher's: TinyBERT's uniform mapping. */
function uniformPairs(students: number, teachers: number): readonly LayerPair[] {
  return Array.from({ length: students }, (_, i) => [i, Math.ceil(((i + 1) * teachers) / students) - 1] as const);
}

/**
 * The values of paired blocks that hidden-state and attention losses compare: what enters the first blocks and what
 * leaves the paired ones; the probabilities of attention.
 * @throws CqError if a model has no blocks, or a pair names one that is not there.
 */
export function pairsOf(student: Graph, teacher: Graph, given?: readonly LayerPair[]): ValuePairs {
  const [own, theirs] = [blocks(student), blocks(teacher)];
  if (own.length === 0 || theirs.length === 0)
    throw new CqError(`distill: losses hidden and attention need transformer blocks, got a model without`);
  const chosen = given ?? uniformPairs(own.length, theirs.length);
  const at = (list: readonly Block[], index: number): Block => {
    const block = list[index];
    if (!block) throw new CqError(`distill: layers must be from 0 to ${list.length - 1}, got ${index}`);
    return block;
  };
  const pairs = chosen.map(([i, j]) => [at(own, i), at(theirs, j)] as const);
  const hidden: ValuePair[] = [
    { student: own[0]!.input, teacher: theirs[0]!.input },
    ...pairs.map(([a, b]) => ({ student: a.output, teacher: b.output })),
  ];
  const attention = pairs.flatMap(([a, b]): ValuePair[] => {
    const [mine, its] = [probabilitiesOf(student, a), probabilitiesOf(teacher, b)];
    return mine !== undefined && its !== undefined ? [{ student: mine, teacher: its }] : [];
  });
  return { hidden, attention };
}

/** The softmax of a block's attention, without its annotations. */
function probabilitiesOf(graph: Graph, { nodes }: Block): string | undefined {
  const context = nodes.map((name) => graph.nodes.get(name)!).find(({ op }) => op === 'AttentionContext');
  const softmax = context && producer(graph, context.inputs[0]!);
  return softmax?.op === 'Softmax' ? softmax.name : undefined;
}
