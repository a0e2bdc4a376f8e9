import {
  makeGraph,
  type Attr,
  type DataType,
  type Graph,
  type Input,
  type Metadata,
  type Node,
  type Output,
  type Weight,
} from './graph.ts';
import { CqError } from './errors.ts';
import { sizeOf } from './runtime/op.ts';

/** Writes a graph down, one node after the other; every method returns the name of the value it makes. */
export interface Builder {
  input(name: string, dtype: DataType, shape: readonly number[]): string;
  weight(name: string, shape: readonly number[], data: Weight['data']): string;
  node(name: string, op: string, inputs: readonly string[], attrs?: Readonly<Record<string, Attr>>): string;
  output(name: string, value: string, shape: readonly number[], dtype?: DataType): void;
  graph(metadata?: Metadata): Graph;
}

/**
 * Starts an empty graph. Besides TensorFlow's ops it may use the composites that `canonicalize` finds in any exporter's
 * graph and `decompose` turns into stock ops again:
 *
 *     MatMul(x, w) {transpose_b}                    x: [.., inputs], w: [inputs, outputs], or turned round if transpose_b
 *     BiasAdd(x, b), Gelu(x) {approximate}
 *     LayerNorm(x, gamma, beta) {epsilon}           over the last axis
 *     AttentionLogits(q, k) {heads, depth, tokens, factor}      [batch, tokens, heads · depth] → [batch, heads, tokens, tokens]
 *     AttentionContext(p, v) {heads, depth, tokens}             [batch, heads, tokens, tokens] → [batch, tokens, heads · depth]
 *                                                   tokens is -1 where their number varies from call to call
 *     Patches(x) {size, channels, rows, columns}    [batch, channels, height, width] → [batch, rows · columns, channels · size²]
 */
export function build(): Builder {
  const nodes: Node[] = [];
  const weights: Weight[] = [];
  const inputs: Input[] = [];
  const outputs: Output[] = [];
  return {
    input(name, dtype, shape) {
      inputs.push({ name, dtype, shape });
      return name;
    },
    weight(name, shape, data) {
      if (data.length !== sizeOf(shape)) {
        throw new CqError(`build: "${name}": [${shape.join(', ')}] has ${sizeOf(shape)} values, got ${data.length}`);
      }
      const dtype = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool';
      weights.push({ name, dtype, shape, data });
      return name;
    },
    node(name, op, from, attrs = {}) {
      nodes.push({ name, op, inputs: from, attrs });
      return name;
    },
    output(name, value, shape, dtype = 'float32') {
      outputs.push({ name, value, shape, dtype });
    },
    graph: (metadata) => makeGraph({ nodes, weights, inputs, outputs, metadata: metadata ?? {} }),
  };
}
