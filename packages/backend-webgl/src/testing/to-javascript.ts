/**
 * The functions of GLSL text as JavaScript ones, so that a test runs the very text that a shader gets. uint is a number, uvec2 an
 * array of two; the text keeps to what glsl/uint64.ts says.
 */
export function toJavaScript<Functions>(glsl: string): Functions {
  const names: string[] = [];
  const code = glsl
    .replace(/\/\/.*$/gm, '')
    .replace(/\b(0x[0-9a-f]+|\d+)u\b/g, '$1')
    .replace(/^(?:uint|uvec2|bool) (\w+)\(([^)]*)\) \{/gm, (_, name: string, parameters: string) => {
      names.push(name);
      return `function ${name}(${parameters.replace(/\b(?:uint|uvec2|bool) /g, '')}) {`;
    })
    .replace(/\bconst uint (\w+) = /g, 'const $1 = ')
    .replace(/\b(?:uint|uvec2|bool) (\w+) = /g, 'let $1 = ')
    .replace(/\.x\b/g, '[0]')
    .replace(/\.y\b/g, '[1]')
    .replace(/>>/g, '>>>')
    .replace(/([^=!<>]=|\breturn) ([^=;][^;]*);/g, '$1 word($2);');
  const prelude = `
    const word = (v) => (typeof v === 'number' ? v >>> 0 : v);
    const uvec2 = (x, y) => [x >>> 0, y >>> 0];`;
  return new Function(`${prelude}\n${code}\nreturn { ${names.join(', ')} };`)() as Functions;
}
