import type { CompressOptions } from './compress-options.ts';

/** The command line that makes the same model again. */
export function commandOf(model: string, options: CompressOptions): string {
  const { recipe, effort, config, maxDrop, target, calibration, samples, training, evaluation, out, seed } = options;
  const given = {
    recipe,
    effort,
    config,
    'max-drop': maxDrop,
    target: maxDrop === undefined ? undefined : target,
    calibration,
    samples: calibration && samples,
    training,
    evaluation,
    seed,
    out,
  };
  const word = (value: string | number): string =>
    /^[\w./:@%+-]+$/.test(String(value)) ? String(value) : JSON.stringify(value);
  return [
    `cq compress ${word(model)}`,
    ...Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${word(value)}`])),
    ...(options.strict ? ['--strict'] : []),
    ...(options.allowOverlap ? ['--allow-overlap'] : []),
  ].join(' ');
}
