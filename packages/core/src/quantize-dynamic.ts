import { withFakeQuantize } from './annotations.ts';
import { edit, freeName } from './edit.ts';
import { consumersOf, isOutput, type Graph, type Node } from './graph.ts';
import { producer, weightOf } from './match.ts';
import { definePass } from './pass.ts';
import { select, type Scope } from './select.ts';

/** Codes of the rows of activations, and which activations. */
export interface QuantizeDynamicOptions extends Scope {
  /** Bits of the codes of a row, 2 to 8: symmetric. */
  readonly bits: number;
}

/**
 * Activations that meet a weight, quantized row by row while running, each row by its own largest value: in need of no
 * data. Integer products come of it where the weight has a quantizer too (`quantizeWeights`).
 */
export const quantizeDynamic = definePass<QuantizeDynamicOptions>({
  name: 'quantize-dynamic',
  defaults: { bits: 8 },
  needs: [],
  check: ({ bits }) => (Number.isInteger(bits) && bits >= 2 && bits <= 8) || `bits must be 2 to 8, got ${bits}`,
  run(graph, { bits, ...scope }, context) {
    const operands = leftOperands(graph);
    const selected = new Set(select('quantize-dynamic', [...operands.keys()], scope));
    const entries = [...operands];
    for (const [done, [value, products]] of entries.entries()) {
      context.signal.throwIfAborted();
      context.progress(done, entries.length);
      if (!selected.has(value)) context.skipped(value, 'outside the scope');
      else if (producer(graph, value) !== graph.nodes.get(value)) context.skipped(value, 'quantized already');
      else {
        const branched = branch(graph, value, products);
        graph = withFakeQuantize(branched.graph, branched.value, { kind: 'dynamic', bits });
        context.changed(value, { role: 'operand', bits, scales: 'per row' });
      }
    }
    return graph;
  },
});

/** Every activation that is multiplied by a constant matrix, with the products that read it. */
function leftOperands(graph: Graph): ReadonlyMap<string, readonly Node[]> {
  const found = new Map<string, Node[]>();
  for (const node of graph.nodes.values()) {
    const [x, w] = node.inputs;
    if (node.op !== 'MatMul' || node.attrs['transpose_a'] === true || !weightOf(graph, w) || weightOf(graph, x))
      continue;
    found.set(x!, [...(found.get(x!) ?? []), node]);
  }
  return found;
}

/**
 * A value that the products alone read: others, such as a residual sum, keep the float.
 *
 *     value ─► products, others      becomes     value ─► Identity ─► products
 *                                                value ─► others
 */
function branch(graph: Graph, value: string, products: readonly Node[]): { graph: Graph; value: string } {
  const names = new Set(products.map(({ name }) => name));
  if (!isOutput(graph, value) && consumersOf(graph, value).every(({ name }) => names.has(name)))
    return { graph, value };
  const name = freeName(graph, `${value}/rows`);
  const moved = products.map((node) => ({ ...node, inputs: [name, ...node.inputs.slice(1)] }));
  const nodes: Node[] = [{ name, op: 'Identity', inputs: [value], attrs: {} }, ...moved];
  return { graph: edit(graph, { nodes }), value: name };
}
