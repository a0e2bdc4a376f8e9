/** Definitions of passes that must not compile. Nothing here runs. */
import { definePass, observe, type DataRole, type Graph, type Pass, type PassContext, type Scope } from '@cq/core';
import type { Statistic } from '@cq/core';

interface Options extends Scope {
  readonly below: number;
}

const run = (graph: Graph): Graph => graph;
const whole = { name: 'whole', defaults: { below: 1 }, run };

definePass<Options>(whole);
definePass<Options>({ ...whole, needs: ({ below }) => (below > 1 ? ['training'] : []) });
definePass<Options>({ ...whole, check: ({ below }) => below > 0 || `below must be above 0, got ${below}` });
definePass<Options>(whole)({ below: 2, only: [/w/] }) satisfies Pass;

// @ts-expect-error it has no run
definePass<Options>({ name: 'no-run', defaults: { below: 1 } });
// @ts-expect-error it has no name
definePass<Options>({ defaults: { below: 1 }, run });
// @ts-expect-error an option has no default
definePass<Options>({ ...whole, defaults: {} });
// @ts-expect-error a default of another type
definePass<Options>({ ...whole, defaults: { below: '1' } });
// @ts-expect-error an optional option that is none of its own
definePass<Options>({ ...whole, optional: ['above'] });
// @ts-expect-error the name of a role
definePass<Options>({ ...whole, needs: ['callibration'] });
// @ts-expect-error a check says what is wrong, not merely that something is
definePass<Options>({ ...whole, check: ({ below }) => below > 0 });
// @ts-expect-error an option that does not exist
definePass<Options>({ ...whole, check: ({ above }) => above > 0 || 'above must be above 0' });
// @ts-expect-error run gives a graph back
definePass<Options>({ ...whole, run: () => undefined });
// @ts-expect-error an option's name where the pass is made
definePass<Options>(whole)({ bellow: 2 });
// @ts-expect-error an option's type where the pass is made
definePass<Options>(whole)({ below: '2' });

declare const graph: Graph;
declare const context: PassContext;
declare const statistic: Statistic<number, number>;
const role: DataRole = 'calibration';

// @ts-expect-error data may be missing: a pass says what it `needs`, then asserts it with `!`
void observe(graph, ['x'], statistic, context.data[role]);
void observe(graph, ['x'], statistic, context.data[role]!, context);

// @ts-expect-error a change has details
context.changed('w');
// @ts-expect-error a skip has a reason
context.skipped('w');
// @ts-expect-error the seed is given
context.seed = 2;
