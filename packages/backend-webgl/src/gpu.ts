import '@tensorflow/tfjs-backend-webgl';
import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { CqError, sizeOf } from '@cq/core/runtime';
import { compile, fragmentText, type Program, type ProgramText } from './program.ts';
import { fromTexels, textureBytes, textureSize, toTexels, type ElementBits, type Texture } from './texture.ts';

/** What we keep beside a backend of TensorFlow.js: textures by the id of the data in them, and programs by their text. */
export interface Gpu {
  readonly backend: MathBackendWebGL;
  readonly gl: WebGL2RenderingContext;
  readonly textures: Map<object, Texture>;
  readonly programs: Map<string, Program>;
  /** Textures without data, by their size. */
  readonly free: Map<string, WebGLTexture[]>;
  /** For one target, and for four. */
  readonly framebuffer: WebGLFramebuffer;
  readonly fourfold: WebGLFramebuffer;
  readonly vertices: WebGLVertexArrayObject;
  freeBytes: number;
  /** How often codes came back from the graphics card. */
  readBacks: number;
}

/** What a program reads, and where it writes: our texture, or one of TensorFlow.js. */
export type Source = Texture | StockTexture;
export interface StockTexture {
  readonly texture: WebGLTexture;
  readonly bits: 'stock';
  readonly width: number;
  readonly height: number;
}

/** Textures kept for the next of their size. */
const MOST_FREE_BYTES = 64 * 2 ** 20;

const gpus = new WeakMap<object, Gpu>();

/** The backend's own, made when it runs its first kernel of ours. */
export function gpuOf(backend: MathBackendWebGL): Gpu {
  let gpu = gpus.get(backend);
  if (!gpu) gpus.set(backend, (gpu = makeGpu(backend)));
  if (gpu.gl.isContextLost()) {
    throw new CqError(
      'backend-webgl: the browser took the graphics context away, and all tensors with it; dispose the model, call recoverWebgl() and load it again',
    );
  }
  return gpu;
}

function makeGpu(backend: MathBackendWebGL): Gpu {
  const gl = backend.gpgpu.gl;
  if (!(gl instanceof WebGL2RenderingContext)) {
    throw new CqError('backend-webgl: WebGL2 is needed, got WebGL1; use the "wasm" backend');
  }
  const gpu: Gpu = {
    ...{ backend, gl, textures: new Map(), programs: new Map(), free: new Map(), freeBytes: 0, readBacks: 0 },
    framebuffer: gl.createFramebuffer(),
    fourfold: gl.createFramebuffer(),
    vertices: gl.createVertexArray(),
  };
  hookDisposal(gpu);
  return gpu;
}

/** TensorFlow.js deletes an entry of its store exactly when nothing uses the data any more. */
function hookDisposal(gpu: Gpu): void {
  const { texData } = gpu.backend;
  const remove = texData.delete.bind(texData);
  texData.delete = (id) => {
    const texture = gpu.textures.get(id);
    if (texture) release(gpu, texture);
    gpu.textures.delete(id);
    return remove(id);
  };
}

export function disposeGpu(backend: MathBackendWebGL): void {
  const gpu = gpus.get(backend);
  if (!gpu) return;
  gpus.delete(backend);
  const { gl, textures, programs, free, framebuffer, fourfold, vertices } = gpu;
  for (const { texture } of textures.values()) gl.deleteTexture(texture);
  for (const texture of [...free.values()].flat()) gl.deleteTexture(texture);
  for (const { program } of programs.values()) gl.deleteProgram(program);
  gl.deleteFramebuffer(framebuffer);
  gl.deleteFramebuffer(fourfold);
  gl.deleteVertexArray(vertices);
}

/** A texture for so many elements, with anything in it. */
export function acquire(gpu: Gpu, size: number, bits: ElementBits): Texture {
  const { gl } = gpu;
  const { shift, width, height } = textureSize(size, bits);
  const texture = gpu.free.get(`${width} ${height}`)?.pop();
  if (texture) {
    gpu.freeBytes -= textureBytes({ width, height });
    return { texture, bits, size, shift, width, height };
  }
  const most = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
  if (height > most) throw new CqError(`backend-webgl: ${size} values need ${height} rows of a texture, got ${most}`);
  const made = gl.createTexture();
  keepState(gpu, () => {
    gl.bindTexture(gl.TEXTURE_2D, made);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32UI, width, height);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST); // integer textures have no other
    }
  });
  return { texture: made, bits, size, shift, width, height };
}

export function release(gpu: Gpu, { texture, width, height }: Texture): void {
  const bytes = textureBytes({ width, height });
  if (gpu.freeBytes + bytes > MOST_FREE_BYTES) {
    gpu.gl.deleteTexture(texture);
    return;
  }
  const key = `${width} ${height}`;
  if (!gpu.free.has(key)) gpu.free.set(key, []);
  gpu.free.get(key)!.push(texture);
  gpu.freeBytes += bytes;
}

/** The tensor in our texture. One whose values TensorFlow.js holds for the processor moves there; others have none. */
export function textureOf(gpu: Gpu, { dataId, dtype, shape }: TensorInfo): Texture | undefined {
  const own = gpu.textures.get(dataId);
  if (own) return own;
  const { values } = gpu.backend.texData.get(dataId);
  if (!values) return undefined;
  const { gl } = gpu;
  const data = values as Float32Array | Int32Array | Uint8Array;
  const texture = acquire(gpu, sizeOf(shape), dtype === 'bool' ? 8 : 32);
  const { width, height } = texture;
  keepState(gpu, () => {
    gl.bindTexture(gl.TEXTURE_2D, texture.texture);
    const texels = toTexels(data, width, height);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RGBA_INTEGER, gl.UNSIGNED_INT, texels);
  });
  adopt(gpu, dataId, texture);
  return texture;
}

/**
 * Makes the texture that of a tensor. TensorFlow.js sees its values where it looks for those on the processor: reading them is
 * what copies them back.
 */
export function adopt(gpu: Gpu, dataId: object, texture: Texture): void {
  gpu.textures.set(dataId, texture);
  const entry = gpu.backend.texData.get(dataId);
  const keep = (values: unknown): void => {
    Object.defineProperty(entry, 'values', { value: values, configurable: true, enumerable: true, writable: true });
  };
  Object.defineProperty(entry, 'values', {
    configurable: true,
    enumerable: true,
    get() {
      const values = readBack(gpu, texture, entry.dtype);
      keep(values);
      return values;
    },
    set: keep,
  });
}

function readBack(gpu: Gpu, texture: Texture, dtype: string): Float32Array | Int32Array | Uint8Array {
  const { gl } = gpu;
  const { width, height } = texture;
  const texels = new Uint32Array(4 * width * height);
  keepState(gpu, () => {
    bindTarget(gpu, texture.texture);
    gl.readPixels(0, 0, width, height, gl.RGBA_INTEGER, gl.UNSIGNED_INT, texels);
  });
  gpu.readBacks++;
  return fromTexels(texels, texture, dtype);
}

/** Runs a program for every texel of the target, or of all four of one size. */
export function draw(
  gpu: Gpu,
  text: Pick<ProgramText, 'body' | 'gives'>,
  inputs: Readonly<Record<string, Source>>,
  ints: Readonly<Record<string, number>>,
  target: Source | readonly Texture[],
): void {
  const { gl } = gpu;
  const targets = 'bits' in target ? [target] : target;
  const first = targets[0]!;
  const source = fragmentText({ ...text, inputs, ints: Object.keys(ints), output: first });
  keepState(gpu, () => {
    let program = gpu.programs.get(source);
    if (!program) gpu.programs.set(source, (program = compile(gl, source)));
    gl.useProgram(program.program);
    gl.bindVertexArray(gpu.vertices);
    if (targets.length === 1) bindTarget(gpu, first.texture);
    else bindTargets(gpu, targets);
    gl.viewport(0, 0, first.width, first.height);
    gl.scissor(0, 0, first.width, first.height);
    Object.entries(inputs).forEach(([name, { texture }], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1i(program.uniforms.get(name) ?? null, unit);
    });
    const uniforms = { ...ints, ...(first.bits === 'stock' && { outputColumns: first.width }) };
    for (const [name, value] of Object.entries(uniforms)) gl.uniform1i(program.uniforms.get(name) ?? null, value | 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  });
}

function bindTarget({ gl, framebuffer }: Gpu, texture: WebGLTexture): void {
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
}

function bindTargets({ gl, fourfold }: Gpu, targets: readonly Source[]): void {
  gl.bindFramebuffer(gl.FRAMEBUFFER, fourfold);
  targets.forEach(({ texture }, i) =>
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0 + i, gl.TEXTURE_2D, texture, 0),
  );
  gl.drawBuffers(targets.map((_, i) => gl.COLOR_ATTACHMENT0 + i));
}

/**
 * Leaves the context as TensorFlow.js left it. Viewport, scissor box and the textures it reads are set by TensorFlow.js for
 * each of its own programs.
 */
function keepState({ gl }: Gpu, run: () => void): void {
  const program = gl.getParameter(gl.CURRENT_PROGRAM) as WebGLProgram | null;
  const vertices = gl.getParameter(gl.VERTEX_ARRAY_BINDING) as WebGLVertexArrayObject | null;
  const framebuffer = gl.getParameter(gl.FRAMEBUFFER_BINDING) as WebGLFramebuffer | null;
  const unit = gl.getParameter(gl.ACTIVE_TEXTURE) as number;
  const texture = gl.getParameter(gl.TEXTURE_BINDING_2D) as WebGLTexture | null;
  try {
    run();
  } finally {
    gl.useProgram(program);
    gl.bindVertexArray(vertices);
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.activeTexture(unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
  }
}
