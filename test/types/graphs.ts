/** Changes of a graph that must not compile: passes make new ones. Nothing here runs. */
import { build, edit, symmetric, withFakeQuantize, withMask, type Graph, type Node, type Weight } from '@cq/core';

declare const graph: Graph;
declare const node: Node;
declare const weight: Weight;

edit(graph, { nodes: [{ ...node, op: 'Identity' }], weights: [weight] });

// @ts-expect-error the nodes of a graph
graph.nodes.set(node.name, node);
// @ts-expect-error the weights of a graph
graph.weights.delete(weight.name);
// @ts-expect-error the list of inputs
graph.inputs.push({ name: 'x', dtype: 'float32', shape: [1] });
// @ts-expect-error the value that an output shows
graph.outputs[0]!.value = 'y';
// @ts-expect-error the metadata
graph.metadata.task = 'image-classification';
// @ts-expect-error the graph's own fields
graph.nodes = new Map();
// @ts-expect-error the op of a node
node.op = 'Identity';
// @ts-expect-error the inputs of a node
node.inputs[0] = 'x';
// @ts-expect-error the attributes of a node
node.attrs['axis'] = 0;
// @ts-expect-error the data of a weight; its numbers, which TypeScript cannot guard, the laws test
weight.data = new Float32Array();
// @ts-expect-error the shape of a weight
weight.shape[0] = 1;

// @ts-expect-error a mask is numbers, 1 = keep
withMask(graph, 'w', [true, false]);
// @ts-expect-error a quantizer's kind
withFakeQuantize(graph, 'w', { ...symmetric(8, [1]), kind: 'unifrom' });
// @ts-expect-error a type of data
build().input('x', 'float16', [1]);
// @ts-expect-error an attribute is a plain value
build().node('y', 'Softmax', ['x'], { axis: null });
