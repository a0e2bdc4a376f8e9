/**
 * What threads tell each other, in a block of shared memory. Words, int32, which only `Atomics` touches:
 *
 *     ticket   in its low bits the parts of a job that nobody has taken, in the others a number of the job
 *     busy     1 while the caller computes parts
 *     done     parts that workers have finished
 *     failed   1 once a worker has thrown
 *
 * and numbers, float64: where the binary of a module lies, its bytes, its number, which of its exports to call, where the
 * scratch memory of the workers lies and how much each has (0: the kernel takes none), then the parameters of each part.
 * Numbers are written before the ticket, and read by whoever has taken a part. It is taken by lowering the ticket, which
 * fails if meanwhile another has, or if the job has become another one.
 */
export const TICKET = 0;
export const BUSY = 1;
export const DONE = 16; // on a cache line of its own, as the next
export const FAILED = 32;
export const WORDS = 48;

export const MODULE_AT = 0;
export const MODULE_BYTES = 1;
export const MODULE = 2;
export const KERNEL = 3;
export const SCRATCH_AT = 4;
export const SCRATCH_BYTES = 5;
export const PARAMETERS = 8;

/** Parameters of a part, at most. */
export const MOST_PARAMETERS = 48;
/** Parts of a job, at most. */
export const MOST_PARTS = 63;
const PART_BITS = 6;
/** The bits of a ticket that count parts. */
export const LEFT = (1 << PART_BITS) - 1;

export const NUMBERS = PARAMETERS + MOST_PARTS * MOST_PARAMETERS;
export const NUMBERS_AT = 4 * WORDS;
export const CONTROL_BYTES = NUMBERS_AT + 8 * NUMBERS;

/** The ticket of the next job. */
export function nextTicket(ticket: number, parts: number): number {
  return (((ticket >> PART_BITS) + 1) << PART_BITS) | parts;
}
