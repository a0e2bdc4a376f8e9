import { find, hole, op, overLastAxis } from './pattern.ts';
import { everywhere } from './rule.ts';

const x = hole('x');
const exponentials = op('Exp', op('Sub', x, overLastAxis('Max', x)));
const softmaxed = op('RealDiv', exponentials, overLastAxis('Sum', exponentials));

/** exp(x − max x) / Σ exp(x − max x)     becomes     Softmax(x) */
export const softmax = everywhere((node, graph) => {
  const match = node.op === 'RealDiv' ? find(graph, node, softmaxed) : undefined;
  if (!match) return undefined;
  const inputs = [match.values.get('x')!];
  return { nodes: [{ name: node.name, op: 'Softmax', inputs, attrs: {} }], inside: match.inside };
});
