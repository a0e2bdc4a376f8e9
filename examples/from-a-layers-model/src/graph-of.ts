import { build, CqError, type Builder, type Graph } from '@cq/core';
import type { layers, LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';

type Layer = layers.Layer;

/** Writes what one layer computes from the values before it, and gives the name of its own. */
type Write = (b: Builder, layer: Layer, inputs: readonly string[]) => string;

const activations: Readonly<Record<string, (b: Builder, name: string, x: string) => string>> = {
  linear: (_, __, x) => x,
  relu: (b, name, x) => b.node(`${name}/relu`, 'Relu', [x]),
  gelu: (b, name, x) => b.node(`${name}/gelu`, 'Gelu', [x], { approximate: false }),
  tanh: (b, name, x) => b.node(`${name}/tanh`, 'Tanh', [x]),
};

/** The layers that are understood. A new kind is a new row. */
const writers: Readonly<Record<string, Write>> = {
  Dense(b, layer, [x]) {
    const [kernel, bias] = weightsOf(b, layer, ['kernel', 'bias']);
    const product = b.node(`${layer.name}/product`, 'MatMul', [x!, kernel!], { transpose_b: false });
    const sum = bias ? b.node(layer.name, 'BiasAdd', [product, bias]) : product;
    const name = String(layer.getConfig()['activation'] ?? 'linear');
    const activation = activations[name];
    if (!activation) throw unknown(layer, 'activation', name, activations);
    return activation(b, layer.name, sum);
  },
  LayerNormalization(b, layer, [x]) {
    const [gamma, beta] = weightsOf(b, layer, ['gamma', 'beta']);
    return b.node(layer.name, 'LayerNorm', [x!, gamma!, beta!], { epsilon: Number(layer.getConfig()['epsilon']) });
  },
  Add: (b, layer, inputs) => b.node(layer.name, 'AddV2', inputs),
  Dropout: (_, __, [x]) => x!,
};

/**
 * A model of `tf.layers` as a graph, without Python: `Dense`, `LayerNormalization`, `Add` and `Dropout`, put together by
 * `tf.model`.
 * @throws CqError for a layer or an activation that is not among them.
 */
export function graphOf(model: LayersModel): Graph {
  const b = build();
  const values = new Map<string, string>();
  const shapeOf = ({ shape }: SymbolicTensor): number[] => shape.map((size) => size ?? -1);
  for (const input of model.inputs) {
    values.set(input.sourceLayer.name, b.input(input.sourceLayer.name, 'float32', shapeOf(input)));
  }
  for (const layer of model.layers) {
    if (values.has(layer.name)) continue;
    const write = writers[layer.getClassName()];
    if (!write) throw unknown(layer, 'kind', layer.getClassName(), writers);
    const inputs = [layer.input].flat().map(({ sourceLayer }) => values.get(sourceLayer.name)!);
    values.set(layer.name, write(b, layer, inputs));
  }
  for (const output of model.outputs) {
    const { name } = output.sourceLayer;
    b.output(`${name}/output`, values.get(name)!, shapeOf(output));
  }
  return b.graph();
}

function weightsOf(b: Builder, layer: Layer, names: readonly string[]): string[] {
  return layer
    .getWeights()
    .map((tensor, i) => b.weight(`${layer.name}/${names[i]}`, tensor.shape, tensor.dataSync() as Float32Array));
}

function unknown(layer: Layer, what: string, got: string, known: Readonly<Record<string, unknown>>): CqError {
  return new CqError(`layers: "${layer.name}": its ${what} must be ${Object.keys(known).join(', ')}, got ${got}`);
}
