import { availableParallelism, cpus } from 'node:os';

/** What times depend on. */
export interface Machine {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
}

/** The machine that this runs on, for reports: processor, cores, memory and Node. */
export function machine(): Machine {
  return {
    node: process.versions.node,
    cpu: cpus()[0]?.model.trim() ?? process.arch,
    cores: availableParallelism(),
  };
}
