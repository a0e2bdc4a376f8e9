/** Options that must not compile; `tsc -p test` reports each line below a `@ts-expect-error` that does. Nothing here runs. */
import { compress, int8, quantizeUniform, type Dataset, type Graph } from '@cq/core';

declare const model: Graph;
declare const calibration: Dataset;

quantizeUniform();
quantizeUniform({ weights: 4, range: 'mse', only: ['logits', /attention/] });

// @ts-expect-error an option's name
quantizeUniform({ weight: 4 });
// @ts-expect-error an option's type
quantizeUniform({ weights: '4' });
// @ts-expect-error the name of a range
quantizeUniform({ range: 'minmax' });
// @ts-expect-error the name of a range of weights
quantizeUniform({ weightRange: 'max' });
// @ts-expect-error a scope is a list
quantizeUniform({ only: 'logits' });
// @ts-expect-error a scope holds names and regular expressions
quantizeUniform({ ignore: [1] });

void compress(model, int8(), { calibration, seed: 1 });
void compress(model, [...int8(), quantizeUniform()]);

// @ts-expect-error a role's name
void compress(model, int8(), { calibraton: calibration });
// @ts-expect-error a folder's name is no dataset
void compress(model, int8(), { calibration: 'photos' });
// @ts-expect-error a list of passes
void compress(model, quantizeUniform());
// @ts-expect-error a pass, not what makes it
void compress(model, [quantizeUniform]);
// @ts-expect-error a recipe is called
void compress(model, int8);
