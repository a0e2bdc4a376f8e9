export { run, type ExitCode } from './run.ts';
export type { Io, Terminal } from './io.ts';
export { inspect, type Inspection } from './inspect.ts';
export type { QuantizedValue } from './quantized-values.ts';
export { recipeNamed, recipes, type Recipe } from './recipes.ts';
export type { Compressed, CompressionReport } from './compression-report.ts';
export { compressedFiles } from './compressed-files.ts';
export type { Benchmark, BenchRow } from './bench.ts';
export { machine, type Machine } from './machine.ts';
