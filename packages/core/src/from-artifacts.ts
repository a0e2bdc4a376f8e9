import type { io } from '@tensorflow/tfjs-core';
import { readAttr, readShape, readType } from './artifacts/attributes.ts';
import { checkFlow, functionsOf } from './artifacts/control-flow.ts';
import { readWeights } from './artifacts/weights.ts';
import { CqError } from './errors.ts';
import { makeGraph, producerOf, type Graph, type Input, type Metadata, type Node, type Output } from './graph.ts';
import { reader, type Reader } from './artifacts/json-reader.ts';
import { excerpt } from './runtime/op.ts';
import { FORMAT_VERSION } from './to-artifacts.ts';

/**
 * Graph-model artifacts → Graph. Weights that TensorFlow.js stored as uint8, uint16 or float16 come back as float32.
 * Nothing is taken on trust: whatever is not of the form that the format has is refused, before its size becomes memory.
 * @param source What errors call the model, such as its path.
 * @throws CqError for layers models, control flow, newer format versions, and whatever does not fit together.
 */
export function fromArtifacts(artifacts: io.ModelArtifacts, source = 'model'): Graph {
  checkDocument(artifacts, source);
  if (artifacts.format === 'layers-model' || (artifacts.modelTopology as { model_config?: unknown })?.model_config) {
    throw new CqError(
      `${source}: is a tf.layers model; make it a graph model first: tensorflowjs_converter --input_format=tfjs_layers_model --output_format=tfjs_graph_model model.json FOLDER`,
    );
  }
  const read = reader(source);
  const topology = read.object(artifacts.modelTopology, 'modelTopology');
  const listed = read.list(topology['node'], 'modelTopology.node');
  const functions = functionsOf(topology['library'], read);
  const weights = readWeights(artifacts, read);
  const nodes: Node[] = [];
  const inputs: Input[] = [];
  const constants = new Set<string>();
  for (const json of listed) {
    const { name, op, input, attr } = read.object(json, 'every node');
    const nodeName = read.name(name, 'every node needs a name that');
    const at = `node ${excerpt(nodeName)}`;
    checkFlow(nodeName, op, functions, read);
    const attrs = Object.entries(attr === undefined ? {} : read.object(attr, `${at}: attr`));
    if (op === 'Const') {
      if (!weights.has(nodeName)) throw new CqError(`${source}: no weight is listed for constant ${excerpt(nodeName)}`);
      if (constants.has(nodeName)) throw read.wrong(`every name`, 'must be unique, got a constant twice', nodeName);
      constants.add(nodeName);
    } else if (op === 'Placeholder') {
      const { dtype, shape } = Object.fromEntries(
        attrs.map(([key, value]) => [key, read.object(value, `${at}: ${key}`)]),
      );
      inputs.push({
        name: nodeName,
        dtype: readType(dtype?.['type'], `${at}: dtype`, read),
        shape: readShape(shape?.['shape'], `${at}: shape`, read),
      });
    } else {
      nodes.push({
        name: nodeName,
        op: read.name(op, `${at}: op`),
        inputs: read.list(input ?? [], `${at}: input`).map((value) => withoutZero(read.text(value, `${at}: input`))),
        attrs: Object.fromEntries(
          attrs.map(([key, value]) => [key, readAttr(value, `${at}: attribute ${excerpt(key)}`, read)]),
        ),
      });
    }
  }
  const outputs = readOutputs(artifacts, nodes, read);
  return makeGraph({ nodes, weights: weights.values(), inputs, outputs, metadata: readMetadata(artifacts, read) });
}

/** Output 0 of a node is spelt like the node. */
const withoutZero = (reference: string): string => (reference.endsWith(':0') ? reference.slice(0, -2) : reference);

/** What no honest writer comes near, and what the call stack bears. */
const DEEPEST = 100;

/**
 * What must hold of artifacts whoever executes them: JSON that can be walked and copied without harm, and a format
 * version that this code knows.
 * @throws CqError
 */
export function checkDocument(artifacts: io.ModelArtifacts, source: string): void {
  const { modelTopology, signature, userDefinedMetadata, weightSpecs } = artifacts;
  const check = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Object.hasOwn(value, '__proto__')) throw new CqError(`${source}: no key may be "__proto__"`);
    if (depth > DEEPEST) throw new CqError(`${source}: must not be nested deeper than ${DEEPEST} levels`);
    for (const inner of Array.isArray(value) ? (value as readonly unknown[]) : Object.values(value))
      check(inner, depth + 1);
  };
  for (const part of [modelTopology, signature, userDefinedMetadata, weightSpecs]) check(part, 0);
  readMetadata(artifacts, reader(source));
}

function readMetadata({ userDefinedMetadata }: io.ModelArtifacts, read: Reader): Metadata {
  const stored = userDefinedMetadata as { readonly cq?: unknown } | undefined;
  if (stored?.cq === undefined) return {};
  const cq = read.object(stored.cq, 'userDefinedMetadata.cq');
  if (cq['formatVersion'] !== FORMAT_VERSION) {
    throw new CqError(
      `${read.source}: format version must be ${FORMAT_VERSION}, got ${excerpt(cq['formatVersion'])}; a newer @cq wrote it`,
    );
  }
  const { formatVersion: _, ...metadata } = cq;
  const { task, labels, preprocessing, compression } = metadata;
  if (task !== undefined) read.text(task, 'the task');
  if (labels !== undefined) read.list(labels, 'labels').forEach((label) => read.text(label, 'every label'));
  if (preprocessing !== undefined) read.object(preprocessing, 'preprocessing');
  if (compression !== undefined) read.object(compression, 'compression');
  return metadata;
}

/** The signature's outputs if there is one, else every node that nothing reads. */
function readOutputs({ signature }: io.ModelArtifacts, nodes: readonly Node[], read: Reader): Output[] {
  const listed = signature ? read.object(signature, 'signature')['outputs'] : undefined;
  const outputs = Object.entries(listed === undefined ? {} : read.object(listed, 'signature.outputs'));
  if (outputs.length > 0) {
    return outputs.map(([name, info]) => {
      const at = `output ${excerpt(read.name(name, 'an output needs a name that'))}`;
      const { name: value, dtype, tensorShape } = read.object(info, at);
      return {
        name,
        value: withoutZero(read.text(value, `${at}: name`)),
        dtype: readType(dtype, `${at}: dtype`, read),
        shape: readShape(tensorShape, `${at}: tensorShape`, read),
      };
    });
  }
  const used = new Set(nodes.flatMap(({ inputs }) => inputs.map(producerOf)));
  return nodes
    .filter(({ name }) => !used.has(name))
    .map(({ name }) => ({ name, value: name, dtype: 'float32', shape: [] }));
}
