/** The user pressed Ctrl-C, and there is more to say than that: how to go on. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}
