import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import { getKernel, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf, type Attrs, type LoweredOp, type Operand } from '@cq/core/runtime';
import { acquire, adopt, disposeGpu, draw, gpuOf, release, textureOf, type Gpu, type Source } from './gpu.ts';
import type { Gives } from './program.ts';
import { elementBits, type ElementBits, type Texture } from './texture.ts';

/** What a kernel works with: attributes, shapes, inputs as textures, and programs to run. */
export interface Call<A extends Attrs> {
  readonly attrs: A;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly inputs: Readonly<Record<string, Source>>;
  readonly output: Source & { readonly size: number };
  /** A texture that is given back when the kernel has run. */
  scratch(size: number, bits: ElementBits): Texture;
  draw(
    body: string,
    inputs: Readonly<Record<string, Source>>,
    ints: Readonly<Record<string, number>>,
    target: Source | readonly Texture[],
    gives?: Gives,
  ): void;
}

/** Makes `run` the kernel of the op on the `webgl` backend, unless it has one. */
export function registerWebglKernel<A extends Attrs>(op: LoweredOp, run: (call: Call<A>) => void): void {
  if (getKernel(op.name, 'webgl')) return;
  registerKernel({
    kernelName: op.name,
    backendName: 'webgl',
    kernelFunc: ({ inputs, attrs, backend }) =>
      execute(op, run, inputs as Record<string, TensorInfo>, attrs as unknown as A, backend as MathBackendWebGL),
    disposeFunc: (backend) => disposeGpu(backend as MathBackendWebGL),
  });
}

function execute<A extends Attrs>(
  op: LoweredOp,
  run: (call: Call<A>) => void,
  inputs: Readonly<Record<string, TensorInfo>>,
  attrs: A,
  backend: MathBackendWebGL,
): TensorInfo {
  const operands = inputs as Readonly<Record<string, TensorInfo & Operand>>;
  op.check(operands, attrs);
  const gpu = gpuOf(backend);
  const { dtype, shape } = op.output(operands, attrs);
  const size = sizeOf(shape);
  if (size === 0) return backend.makeTensorInfo([...shape], dtype, none[dtype]);
  const scratches: Texture[] = [];
  const scratch = (size: number, bits: ElementBits): Texture => {
    const texture = acquire(gpu, size, bits);
    scratches.push(texture);
    return texture;
  };
  const [info, output] = outputOf(gpu, shape, dtype, attrs);
  try {
    run({
      attrs,
      shapes: Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.shape])),
      inputs: Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, sourceOf(gpu, input, scratch)])),
      output: { ...output, size },
      scratch,
      draw: (body, sources, ints, target, gives = 'element') => draw(gpu, { body, gives }, sources, ints, target),
    });
  } catch (error) {
    backend.disposeData(info.dataId, true);
    throw error;
  } finally {
    for (const texture of scratches) release(gpu, texture);
  }
  return info;
}

const none = { float32: new Float32Array(0), int32: new Int32Array(0), bool: new Uint8Array(0) };

/** The output as the rest of the graph reads it: codes in a texture of ours, floats in one of TensorFlow.js. */
function outputOf(gpu: Gpu, shape: readonly number[], dtype: Operand['dtype'], attrs: Attrs): [TensorInfo, Source] {
  const { backend } = gpu;
  const info = backend.makeTensorInfo([...shape], dtype);
  if (dtype !== 'float32') {
    const bits = dtype === 'bool' ? 8 : elementBits(attrs['bits'] as number);
    const texture = acquire(gpu, sizeOf(shape), bits);
    adopt(gpu, info.dataId, texture);
    return [info, texture];
  }
  return [info, stockTexture(gpu, info)];
}

/** The input as programs read it. */
function sourceOf(gpu: Gpu, input: TensorInfo, scratch: Call<Attrs>['scratch']): Source {
  const own = textureOf(gpu, input);
  if (own) return own;
  const { backend } = gpu;
  const { isPacked, slice } = backend.texData.get(input.dataId);
  // TensorFlow.js packs 2 × 2 numbers in a texel, or shows a part of another tensor: a program of its own undoes that.
  const plain = isPacked || slice ? backend.runWebGLProgram(copyOf(input.shape), [input], input.dtype) : input;
  const stock = stockTexture(gpu, plain);
  if (plain === input && input.dtype === 'float32') return stock;
  const copy = scratch(sizeOf(input.shape), input.dtype === 'bool' ? 8 : 32);
  const body = input.dtype === 'float32' ? FLOATS : INTEGERS;
  draw(gpu, { body, gives: 'element' }, { x: stock }, {}, copy);
  if (plain !== input) backend.disposeIntermediateTensorInfo(plain);
  return copy;
}

const copyOf = (outputShape: readonly number[]) => ({
  variableNames: ['A'],
  outputShape: [...outputShape],
  userCode: 'void main() { setOutput(getAAtOutCoords()); }',
});

const FLOATS = 'uint element(int i) { return uint(xAt(i)); }';
const INTEGERS = 'uint element(int i) { return uint(int(roundEven(intBitsToFloat(xAt(i))))); }';

function stockTexture({ backend }: Gpu, { dataId }: TensorInfo): Source {
  backend.uploadToGPU(dataId);
  const { texture, texShape } = backend.texData.get(dataId);
  return { texture: texture!.texture, bits: 'stock', width: texShape![1], height: texShape![0] };
}
