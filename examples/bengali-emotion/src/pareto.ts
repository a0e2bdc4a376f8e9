/** A model as a point: smaller x and larger y are better. */
export interface Point {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

const [width, height, left, top] = [760, 440, 70, 30];
const [right, bottom] = [width - 150, height - 60];

/** The points that no other one beats in both. */
export const front = (points: readonly Point[]): readonly Point[] =>
  points
    .filter(({ x, y }) => !points.some((other) => (other.x < x && other.y >= y) || (other.x <= x && other.y > y)))
    .sort((a, b) => a.x - b.x);

/** An SVG of the points over a logarithmic x axis, the front among them joined by a line. */
export function pareto(points: readonly Point[], labels: { readonly x: string; readonly y: string }): string {
  const [lowest, highest] = [Math.min(...points.map(({ y }) => y)), Math.max(...points.map(({ y }) => y))];
  const [first, last] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))];
  const x = (value: number): number =>
    left + ((Math.log(value) - Math.log(first)) / (Math.log(last) - Math.log(first) || 1)) * (right - left);
  const y = (value: number): number => bottom - ((value - lowest) / (highest - lowest || 1)) * (bottom - top);
  const best = new Set(front(points));
  const line = front(points).map((point, i) => `${i === 0 ? 'M' : 'L'}${fixed(x(point.x))} ${fixed(y(point.y))}`);
  const ticks = (from: number, to: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">
<rect width="${width}" height="${height}" fill="white"/>
<path d="M${left} ${top}V${bottom}H${right}" fill="none" stroke="#888"/>
${ticks(lowest, highest, 5)
  .map((value) => `<text x="${left - 8}" y="${fixed(y(value) + 4)}" text-anchor="end">${value.toFixed(1)}</text>`)
  .join('\n')}
${ticks(Math.log(first), Math.log(last), 5)
  .map((value) => Math.exp(value))
  .map((value) => `<text x="${fixed(x(value))}" y="${bottom + 16}" text-anchor="middle">${value.toPrecision(3)}</text>`)
  .join('\n')}
<text x="${(left + right) / 2}" y="${bottom + 40}" text-anchor="middle">${escaped(labels.x)}</text>
<text x="16" y="${(top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(top + bottom) / 2})">${escaped(labels.y)}</text>
<path d="${line.join('')}" fill="none" stroke="#c2410c"/>
${points
  .map(
    (point) =>
      `<circle cx="${fixed(x(point.x))}" cy="${fixed(y(point.y))}" r="4" fill="${best.has(point) ? '#c2410c' : '#64748b'}"/>` +
      `<text x="${fixed(x(point.x) + 7)}" y="${fixed(y(point.y) - 5)}">${escaped(point.name)}</text>`,
  )
  .join('\n')}
</svg>
`;
}

const fixed = (value: number): string => value.toFixed(1);

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
