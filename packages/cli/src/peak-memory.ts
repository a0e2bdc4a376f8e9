import { readFileSync } from 'node:fs';

/**
 * The most memory this process has had, in bytes. Linux hands the largest size of the parent on to `maxRSS` of a child;
 * VmHWM is the process's own.
 */
export function peakMemory(): number {
  return 1024 * (highWaterMark() ?? process.resourceUsage().maxRSS);
}

function highWaterMark(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes);
}
