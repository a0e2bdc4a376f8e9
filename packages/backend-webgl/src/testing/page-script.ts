/** What tests call in a page. */
import { loadGraphModel, type GraphModel } from '@tensorflow/tfjs-converter';
import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import {
  backend,
  engine,
  env,
  getKernel,
  memory,
  setBackend,
  tensor,
  tidy,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { Attrs, Operand } from '@cq/core/runtime';
import { recoverWebgl, selfCheck, webglMemory } from '../index.ts';

/** An operand as it travels between Node and a page. */
export interface Sent {
  readonly dtype: Operand['dtype'];
  readonly shape: readonly number[];
  readonly bytes: string;
}

export interface SentCase {
  readonly op: string;
  readonly operands: Readonly<Record<string, Sent>>;
  readonly attrs: Attrs;
}

env().set('SOFTWARE_WEBGL_ENABLED', true);
env().set('WEBGL_CPU_FORWARD', false);
await setBackend('webgl');

const types = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

function received({ dtype, shape, bytes }: Sent): Tensor {
  const raw = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
  return tensor(new types[dtype](raw.buffer), [...shape], dtype);
}

function sent(output: Tensor): Sent {
  const data = output.dataSync();
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let text = '';
  for (const byte of raw) text += String.fromCharCode(byte);
  return { dtype: output.dtype as Operand['dtype'], shape: output.shape, bytes: btoa(text) };
}

let model: GraphModel;

const cq = {
  /** Outputs of kernels. */
  run: (cases: readonly SentCase[]): Sent[] =>
    cases.map(({ op, operands, attrs }) => {
      const before = memory().numTensors;
      const inputs: NamedTensorMap = {};
      for (const [name, operand] of Object.entries(operands)) inputs[name] = received(operand);
      const output = tidy(() => engine().runKernel(op, inputs, attrs as unknown as NamedAttrMap) as Tensor);
      const result = sent(output);
      for (const one of [output, ...Object.values(inputs)]) one.dispose();
      if (memory().numTensors !== before) throw new Error(`${op}: left tensors behind`);
      return result;
    }),
  /** Codes of x, moved in every way; and how often codes were read back before the results were. */
  move(x: Sent): { readonly moved: readonly Sent[]; readonly readBacks: number } {
    const before = webglMemory().readBacks;
    const run = (name: string, inputs: NamedTensorMap | Tensor[], attrs: object): Tensor =>
      engine().runKernel(name, inputs as NamedTensorMap, attrs as NamedAttrMap) as Tensor;
    let result = { moved: [] as readonly Sent[], readBacks: 0 };
    tidy(() => {
      const codes = run('CqQuantize', { x: received(x) }, { scale: 1, zeroPoint: 0, bits: 8 });
      const wide = run('CqQuantize', { x: received(x) }, { scale: 1, zeroPoint: 0, bits: 16 });
      const [a, b, c, d] = codes.shape as [number, number, number, number];
      const moved = [codes, wide].flatMap((from) => [
        run('Transpose', { x: from }, { perm: [0, 2, 1, 3] }),
        run('Slice', { x: from }, { begin: [0, 1, 0, 2], size: [a, b - 1, c, d - 3] }),
        run('PadV2', { x: from }, { paddings: [[0, 0], [1, 2], [0, 1], [0, 0]], constantValue: 0 }), // prettier-ignore
        run(
          'Concat',
          Array.from({ length: 9 }, () => from),
          { axis: 2 },
        ),
        run('Transpose', { x: run('Reshape', { x: from }, { shape: [a * b, c * d] }) }, { perm: [1, 0] }),
      ]);
      const { readBacks } = webglMemory();
      result = { moved: moved.map(sent), readBacks: readBacks - before };
    });
    return result;
  },
  async load(url: string): Promise<void> {
    model = await loadGraphModel(url);
  },
  /** The first output. */
  async predict(inputs: Readonly<Record<string, Sent>>): Promise<Sent> {
    const given: NamedTensorMap = {};
    for (const [name, input] of Object.entries(inputs)) given[name] = received(input);
    const outputs = [
      model.execute(
        given,
        model.outputs.map(({ name }) => name),
      ),
    ].flat();
    const { readBacks } = webglMemory();
    await outputs[0]!.data();
    if (webglMemory().readBacks !== readBacks) throw new Error('the output was not a float on the graphics card');
    const result = sent(outputs[0]!);
    for (const one of [...outputs, ...Object.values(given)]) one.dispose();
    return result;
  },
  selfCheck: () => selfCheck(model),
  /** Makes the kernel of an op give codes that are one too large, as a faulty driver may, while `selfCheck` runs. */
  async selfCheckWith(op: string): Promise<readonly string[]> {
    const kernel = getKernel(op, 'webgl')!;
    const { kernelFunc } = kernel;
    const spoilt: KernelFunc = (given) => {
      const zeroPoint = (given.attrs as unknown as { zeroPoint: number }).zeroPoint + 1;
      return kernelFunc({ ...given, attrs: { ...given.attrs, zeroPoint } as unknown as NamedAttrMap });
    };
    kernel.kernelFunc = spoilt;
    return selfCheck(model).finally(() => (kernel.kernelFunc = kernelFunc));
  },
  recover: recoverWebgl,
  loseContext(): void {
    (backend() as MathBackendWebGL).gpgpu.gl.getExtension('WEBGL_lose_context')!.loseContext();
  },
  /** What the model's weights take in textures of TensorFlow.js: 4 bytes an element, or 16 for 2 × 2 of them. */
  stockWeightBytes(): number {
    const { texData } = backend() as MathBackendWebGL;
    const weights = Object.values(model.weights).flat();
    return weights.reduce((sum, { dataId }) => {
      const { texture, texShape, isPacked } = texData.get(dataId);
      if (!texture) return sum;
      const [rows, columns] = texShape!;
      return sum + (isPacked ? 16 * Math.ceil(rows / 2) * Math.ceil(columns / 2) : 4 * rows * columns);
    }, 0);
  },
  dispose: () => model.dispose(),
  memory: () => ({ ...webglMemory(), tensors: memory().numTensors }),
};

export type PageFunctions = typeof cq;
Object.assign(globalThis, { cq });
