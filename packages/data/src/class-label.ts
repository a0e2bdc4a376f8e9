import { CqError } from '@cq/core';

/**
 * The class index that a cell of a table means: an index or, where the model has class names, one of them.
 * @param labels the model's class names by index
 * @param what how an error begins: the file, the line and the cell
 */
export function classLabel(text: string, labels: readonly string[] | undefined, what: string): number {
  const index = /^\d+$/.test(text) ? Number(text) : undefined;
  if (!labels) {
    if (index !== undefined) return index;
    throw new CqError(`${what} must be a class index, as the model names no classes, got "${text}"; write its number`);
  }
  if (index === undefined) {
    return classNamed(text, labels, what, { unknown: 'write one of them or its index', ambiguous: 'write its index' });
  }
  const named = labels.indexOf(text);
  if (named >= 0 && named !== index) {
    throw new CqError(
      `${what} must be either an index or a name, got "${text}", which is the name of class ${named} and the index of ` +
        'another; leave the class names out to read numbers as indices',
    );
  }
  if (index < labels.length) return index;
  throw new CqError(
    `${what} must be from 0 to ${labels.length - 1}, as the model has ${labels.length} classes, got ${text}`,
  );
}

/** What to do about a name that no class has, and one that several have. */
interface Remedies {
  readonly unknown: string;
  readonly ambiguous: string;
}

/** The index of the one class with this name. */
export function classNamed(name: string, labels: readonly string[], what: string, remedies: Remedies): number {
  const index = labels.indexOf(name);
  if (index < 0) {
    const some = labels.slice(0, 3).map((label) => `"${label}"`);
    const classes = `${some.join(', ')}${labels.length > 3 ? ', …' : ''}`;
    throw new CqError(
      `${what} must be one of the model's ${labels.length} classes (${classes}), got "${name}"; ${remedies.unknown}`,
    );
  }
  if (labels.indexOf(name, index + 1) >= 0) {
    throw new CqError(`${what} must name one class, got "${name}", which several have; ${remedies.ambiguous}`);
  }
  return index;
}
