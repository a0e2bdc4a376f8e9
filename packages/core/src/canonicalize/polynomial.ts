import type { Graph } from '../graph.ts';
import { scalarOf, TOLERANCE } from './constant.ts';

/** Coefficients by monomial: the variables it is a product of, sorted. `x x t` is x²t, the empty one the constant. */
export type Polynomial = ReadonlyMap<string, number>;

/** Nothing sensible nests deeper, and sums of the residual stream are not worth following. */
const DEPTH = 8;

/**
 * What a value is as a polynomial in some others, however it is grouped; undefined if it is none.
 * @param variables The values it may rest on, and what to call them.
 * @param inside Collects the nodes between the value and the variables.
 */
export function polynomial(
  graph: Graph,
  value: string,
  variables: Readonly<Record<string, string>>,
  inside: Set<string>,
  depth = DEPTH,
): Polynomial | undefined {
  const variable = Object.keys(variables).find((name) => variables[name] === value);
  if (variable !== undefined) return new Map([[variable, 1]]);
  const number = scalarOf(graph, value);
  if (number !== undefined) return new Map([['', number]]);
  const node = graph.nodes.get(value);
  const combine = node && isArithmetic(node.op) ? operations[node.op] : undefined;
  if (!node || !combine || depth === 0) return undefined;
  const operands: Polynomial[] = [];
  for (const input of node.inputs) {
    const operand = polynomial(graph, input, variables, inside, depth - 1);
    if (!operand) return undefined;
    operands.push(operand);
  }
  inside.add(value);
  return combine(operands[0]!, operands[1]!);
}

/** Whether two polynomials are one within the tolerance of constants. */
export function isNear(a: Polynomial, b: Readonly<Record<string, number>>): boolean {
  const monomials = new Set([...a.keys(), ...Object.keys(b)]);
  return [...monomials].every((monomial) => Math.abs((a.get(monomial) ?? 0) - (b[monomial] ?? 0)) <= TOLERANCE);
}

export const isArithmetic = (op: string): boolean => Object.hasOwn(operations, op);

type Operation = (a: Polynomial, b: Polynomial) => Polynomial | undefined;

const operations: Readonly<Record<string, Operation>> = {
  AddV2: (a, b) => sum(a, b, 1),
  Sub: (a, b) => sum(a, b, -1),
  Neg: (a) => sum(new Map(), a, -1),
  Mul: (a, b) => product(a, b),
  Square: (a) => product(a, a),
  RealDiv(a, b) {
    const divisor = constantOf(b);
    return divisor ? product(a, new Map([['', 1 / divisor]])) : undefined;
  },
  Pow(a, b) {
    const exponent = constantOf(b);
    if (exponent !== 2 && exponent !== 3) return undefined;
    return exponent === 2 ? product(a, a) : product(product(a, a), a);
  },
};

function sum(a: Polynomial, b: Polynomial, sign: 1 | -1): Polynomial {
  const total = new Map(a);
  for (const [monomial, factor] of b) total.set(monomial, (total.get(monomial) ?? 0) + sign * factor);
  return total;
}

function product(a: Polynomial, b: Polynomial): Polynomial {
  const total = new Map<string, number>();
  for (const [left, p] of a) {
    for (const [right, q] of b) {
      const monomial = [...left.split(' '), ...right.split(' ')].filter(Boolean).sort().join(' ');
      total.set(monomial, (total.get(monomial) ?? 0) + p * q);
    }
  }
  return total;
}

const constantOf = (a: Polynomial): number | undefined => (a.size === 1 ? a.get('') : undefined);
