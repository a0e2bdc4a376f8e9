import { CqError } from '@cq/core/runtime';
import { settled } from './glsl/settled.ts';
import { perTexel, type ElementBits } from './texture.ts';

/** How an input or an output is stored: by us (`Texture`), or as TensorFlow.js stores float32, one number in a texel. */
export type Storage = { readonly bits: ElementBits; readonly shift: number } | { readonly bits: 'stock' };

/**
 * A WebGL2 program over textures. Its body has
 *
 *     `uint element(int i)`      element i of the output (codes, or the bits of a float32), or
 *     that and `uint quick(int i)`    the same at less cost, but where it sets the global `unsure`, or
 *     `uvec4 texelOf(int t)`     all that texel t holds
 *     `void texelsOf(int t, out uvec4 all[4])`    texel t of four outputs of one size
 *
 * and reads an input `x` with `int xAt(int i)`, its element i, or `uvec4 xTexel(int t)`. Ints come as uniforms.
 */
export interface ProgramText {
  readonly inputs: Readonly<Record<string, Storage>>;
  readonly ints: readonly string[];
  readonly output: Storage;
  readonly gives: Gives;
  readonly body: string;
}

export type Gives = 'element' | 'quick element' | 'texel' | 'four texels';

export interface Program {
  readonly program: WebGLProgram;
  readonly uniforms: ReadonlyMap<string, WebGLUniformLocation>;
}

/** One triangle over everything, counter-clockwise: TensorFlow.js culls the other side. */
const VERTICES = `#version 300 es
void main() {
  gl_Position = vec4(vec2[3](vec2(-1, -1), vec2(3, -1), vec2(-1, 3))[gl_VertexID], 0, 1);
}
`;

export function compile(gl: WebGL2RenderingContext, text: string): Program {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTICES],
    [gl.FRAGMENT_SHADER, text],
  ] as const) {
    const shader = gl.createShader(type)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
    if (gl.getShaderParameter(shader, gl.COMPILE_STATUS)) continue;
    throw new CqError(`backend-webgl: a shader does not compile: ${gl.getShaderInfoLog(shader)}`);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new CqError(`backend-webgl: a program does not link: ${gl.getProgramInfoLog(program)}`);
  }
  const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) as number;
  const names = Array.from({ length: count }, (_, i) => gl.getActiveUniform(program, i)!.name);
  return { program, uniforms: new Map(names.map((name) => [name, gl.getUniformLocation(program, name)!])) };
}

/** The fragment shader. */
export function fragmentText({ inputs, ints, output, gives, body }: ProgramText): string {
  return `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp usampler2D;
bool unsure;
${Object.entries(inputs)
  .map(([name, storage]) => inputText(name, storage))
  .join('')}
${ints.map((name) => `uniform int ${name};\n`).join('')}
${body}
${output.bits === 'stock' ? STOCK_MAIN : ourMain(output.bits, output.shift, gives)}`;
}

function inputText(name: string, storage: Storage): string {
  if (storage.bits === 'stock') {
    return `
uniform sampler2D ${name};
int ${name}At(int i) {
  int columns = textureSize(${name}, 0).x;
  return floatBitsToInt(texelFetch(${name}, ivec2(i % columns, i / columns), 0).r);
}
`;
  }
  return `
uniform usampler2D ${name};
uvec4 ${name}Texel(int t) {
  return texelFetch(${name}, ivec2(t & ${2 ** storage.shift - 1}, t >> ${storage.shift}), 0);
}
int ${name}At(int i) {
  ${elementText(name, storage.bits)}
}
`;
}

function elementText(name: string, bits: ElementBits): string {
  if (bits === 32) return `return int(${name}Texel(i >> 2)[i & 3]);`;
  if (bits === 16) return `return int(${name}Texel(i >> 3)[(i >> 1) & 3] << (16 - ((i & 1) << 4))) >> 16;`;
  return `return int(${name}Texel(i >> 4)[(i >> 2) & 3] << (24 - ((i & 3) << 3))) >> 24;`;
}

const STOCK_MAIN = `
uniform int outputColumns;
out vec4 result;
void main() {
  result = vec4(uintBitsToFloat(element(int(gl_FragCoord.y) * outputColumns + int(gl_FragCoord.x))), 0, 0, 0);
}
`;

function ourMain(bits: ElementBits, shift: number, gives: Gives): string {
  const place = `(int(gl_FragCoord.y) << ${shift}) | int(gl_FragCoord.x)`;
  if (gives === 'four texels') {
    const parts = [0, 1, 2, 3];
    return `
${parts.map((part) => `layout(location = ${part}) out uvec4 result${part};\n`).join('')}
void main() {
  uvec4 all[4];
  texelsOf(${place}, all);
  ${parts.map((part) => `result${part} = all[${part}];`).join('\n  ')}
}
`;
  }
  return `${gives === 'texel' ? '' : texelText(bits, gives)}
out uvec4 result;
void main() {
  result = texelOf(${place});
}
`;
}

function texelText(bits: ElementBits, gives: 'element' | 'quick element'): string {
  const count = perTexel(bits);
  if (gives === 'quick element') {
    return `
uvec4 texelOf(int t) {
  ${settled(bits, 1, { quick: (_, i) => `quick(t * ${count} + ${i})`, exact: (_, i) => `element(t * ${count} + ${i})` })}
  return uvec4(words[0], words[1], words[2], words[3]);
}
`;
  }
  const mask = bits === 32 ? '' : ` & ${2 ** bits - 1}u`;
  return `
uvec4 texelOf(int t) {
  uvec4 words = uvec4(0u);
  int i = 0;
  do {
    words[i / ${count / 4}] |= (element(t * ${count} + i)${mask}) << ((i % ${count / 4}) * ${bits});
    i++;
  } while (i < ${count});
  return words;
}
`;
}
