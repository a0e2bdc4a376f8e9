/** What a user did wrong or a file holds wrong, in one line that names it and the remedy: ready to print. */
export class CqError extends Error {
  override name = 'CqError';
}
