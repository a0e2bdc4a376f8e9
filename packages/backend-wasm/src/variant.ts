import { kernels } from './generated/kernels.ts';
import { relaxedKernels } from './generated/relaxed-kernels.ts';
import { fromBase64 } from './heap.ts';

/** The instructions that the integer kernels are built from. All variants give the same bytes. */
export type KernelVariant = 'simd' | 'relaxed-simd';

const binaries: Readonly<Record<KernelVariant, string>> = { simd: kernels, 'relaxed-simd': relaxedKernels };

/** The binary, for a memory that is not shared. */
export function kernelBytes(variant: KernelVariant): Uint8Array<ArrayBuffer> {
  return fromBase64(binaries[variant]);
}

/** The fastest variant that this engine runs, which is the one that kernels are taken from. */
export function kernelVariant(): KernelVariant {
  if (!runs('relaxed-simd')) uncoverRelaxedSimd();
  return runs('relaxed-simd') ? 'relaxed-simd' : 'simd';
}

function runs(variant: KernelVariant): boolean {
  return WebAssembly.validate(kernelBytes(variant));
}

interface Node {
  getBuiltinModule?(name: 'node:v8'): { setFlagsFromString(flags: string): void };
}

/** Node 20 has relaxed SIMD behind a flag, which counts from the next module on; Node 22 and pages have it without. */
function uncoverRelaxedSimd(): void {
  const { process } = globalThis as { process?: Node };
  process?.getBuiltinModule?.('node:v8').setFlagsFromString('--experimental-wasm-relaxed-simd');
}
