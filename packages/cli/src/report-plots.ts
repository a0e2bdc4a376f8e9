import type { CompressionReport } from './compression-report.ts';
import type { Inside } from './inside.ts';
import { hues, legend, type Plots } from './plots.ts';
import type { Confusion } from './seen-examples.ts';

/** A heading, a sentence and a drawing; nothing where there is nothing to draw. */
export type Section = string;

export const section = (title: string, says: string, drawing: string): Section =>
  `<section><h2>${title}</h2><p class="says">${says}</p>\n${drawing}</section>`;

/** Signal to noise of every value, and of the stream from block to block. */
export function depthPlot({ Plot, figure }: Plots, { values, depth }: Inside): Section {
  const dots = values.flatMap(({ sqnr, role, value, bits }, at) =>
    sqnr === undefined ? [] : [{ at, sqnr, role, title: `${value}, ${bits} bits: ${sqnr.toFixed(1)} dB` }],
  );
  if (dots.length === 0) return '';
  const roles = [...new Set(dots.map(({ role }) => role))];
  const last = Math.max(1, values.length - 1);
  const line = depth.flatMap(({ sqnr, value }, i) =>
    sqnr === undefined ? [] : [{ at: ((i + 1) / depth.length) * last, sqnr, value }],
  );
  return section(
    'Signal to noise along the depth',
    'Each dot is a value and what its own quantizer leaves of it; the line is the output of each block against the model as it came, with all errors before it. Higher is better, 6 dB are a bit.',
    legend(roles) +
      figure('Signal to quantization noise in decibels by place in the network', (width) => ({
        ...{ width, height: width > 500 ? 360 : 260, marginLeft: 40, marginBottom: 34 },
        x: { label: 'depth →', ticks: [], insetLeft: 8, insetRight: 8 },
        y: { label: '↑ dB', grid: true, nice: true },
        color: { domain: roles, range: roles.map((_, i) => hues[i % hues.length]!) },
        marks: [
          Plot.line(line, { x: 'at', y: 'sqnr', stroke: 'var(--ink)', strokeWidth: 1.5 }),
          Plot.dot(line, { x: 'at', y: 'sqnr', fill: 'var(--paper)', stroke: 'var(--ink)', r: 3.5 }),
          Plot.dot(dots, {
            x: 'at',
            y: 'sqnr',
            fill: 'role',
            r: width > 500 ? 3.5 : 2.5,
            fillOpacity: 0.8,
            title: 'title',
          }),
        ],
      })),
  );
}

export function channelPlots({ Plot, grid }: Plots, { channels }: Inside): Section {
  if (channels.length === 0) return '';
  return section(
    'Largest value of each channel',
    'Of the activations whose channels are the most uneven, sorted by size: few tall channels make coarse codes for all others. Passes that balance channels lower them.',
    legend(['as it came', 'compressed']) +
      grid(
        channels.map(({ value, before, after }) => {
          const order = before.map((_, i) => i).sort((a, b) => before[b]! - before[a]!);
          const points = (list: readonly number[]) =>
            order.map((channel, at) => ({ at: at + 1, size: list[channel]! }));
          return {
            title: value,
            options: {
              ...{ marginLeft: 40, marginBottom: 30 },
              x: { label: 'channels →', type: 'log' as const, ticks: 4, tickFormat: '~s' },
              y: { label: '↑ max |x|', grid: true, zero: true },
              marks: [
                Plot.areaY(points(before), { x: 'at', y: 'size', fill: hues[0]!, fillOpacity: 0.15 }),
                Plot.lineY(points(before), { x: 'at', y: 'size', stroke: hues[0]! }),
                Plot.lineY(points(after), { x: 'at', y: 'size', stroke: hues[1]! }),
              ],
            },
          };
        }),
      ),
  );
}

/** More levels than this are a blur. */
const LEVELS = 32;

export function weightPlots({ Plot, grid }: Plots, { weights }: Inside): Section {
  if (weights.length === 0) return '';
  return section(
    'Weights and their levels',
    'The weights with the lowest signal to noise, in units of their scales: the bars are the weights, the lines below are what codes can stand for.',
    grid(
      weights.map(({ value, bits, from, width, counts, levels }) => {
        const most = Math.max(...counts);
        const bars = counts.map((count, i) => ({ x1: from + i * width, x2: from + (i + 1) * width, count }));
        const step = Math.max(1, Math.ceil(levels.length / LEVELS));
        const shown = levels.filter((_, i) => i % step === 0);
        return {
          title: `${value} · ${bits} bits`,
          options: {
            ...{ marginLeft: 14, marginBottom: 30, marginRight: 14 },
            x: { label: step === 1 ? 'steps →' : `steps →  (each ${step}th level drawn)` },
            y: { axis: null, domain: [-0.12 * most, most] },
            marks: [
              Plot.rectY(bars, { x1: 'x1', x2: 'x2', y: 'count', fill: hues[0]!, insetLeft: 0.5, insetRight: 0.5 }),
              Plot.ruleX(shown, { y1: -0.12 * most, y2: -0.02 * most, stroke: hues[1]!, strokeWidth: 1.5 }),
            ],
          },
        };
      }),
    ),
  );
}

export function probabilityPlots({ Plot, grid }: Plots, { probabilities }: Inside): Section {
  const used = probabilities.filter(({ counts }) => counts.some((count) => count > 0));
  if (used.length === 0) return '';
  return section(
    'Codes of attention',
    'How often softmax took each of its codes, in the first, middle and last block; heights are logarithmic. Codes that are hardly used are bits for nothing.',
    grid(
      used.map(({ value, kind, bits, counts }) => {
        const all = counts.reduce((sum, count) => sum + count, 0);
        const bars = counts.flatMap((count, code) =>
          count === 0 ? [] : [{ x1: code - 0.5, x2: code + 0.5, share: Math.log10(count / all) + 8 }],
        );
        return {
          title: `${value} · ${kind}, ${bits} bits`,
          options: {
            ...{ marginLeft: 44, marginBottom: 30 },
            x: { label: 'code →', domain: [-0.5, counts.length - 0.5] },
            y: {
              ...{ label: '↑ share', grid: true, domain: [0, 8], ticks: [0, 2, 4, 6, 8] },
              tickFormat: (power: number) => (power === 8 ? '1' : `1e${power - 8}`),
            },
            marks: [Plot.rectY(bars, { x1: 'x1', x2: 'x2', y: 'share', fill: hues[2]! })],
          },
        };
      }),
    ),
  );
}

interface Curve {
  readonly loss: readonly number[];
}

const isCurves = (value: unknown): value is readonly Curve[] =>
  Array.isArray(value) && value.every((curve) => Array.isArray((curve as Partial<Curve> | null)?.loss));

/** Of every part that a pass has trained, its losses one after the other, as parts of the first. */
export function lossPlot({ Plot, figure }: Plots, { passes }: Pick<CompressionReport, 'passes'>): Section {
  const parts = passes.flatMap(({ changed }) =>
    changed.flatMap(({ value, curves }) =>
      isCurves(curves) ? [{ value, losses: curves.flatMap(({ loss }) => loss) }] : [],
    ),
  );
  const points = parts.flatMap(({ value, losses }, part) =>
    losses.map((loss, step) => ({ part, step: step + 1, loss: loss / (losses[0]! || 1), value })),
  );
  if (points.length === 0) return '';
  return section(
    'Loss while training',
    `Of each of ${parts.length} trained parts as a share of its first loss, from the first part (light) to the last (dark).`,
    figure('Loss of each trained part by training time', (width) => ({
      ...{ width, height: 300, marginLeft: 44 },
      x: { label: 'training →' },
      y: { label: '↑ loss, of the first', grid: true, type: 'log', tickFormat: '~g', ticks: 5 },
      marks: [
        Plot.line(points, {
          ...{ x: 'step', y: 'loss', z: 'part', stroke: hues[0]!, title: 'value' },
          strokeOpacity: ({ part }: (typeof points)[number]) => 0.3 + (0.7 * (part + 1)) / parts.length,
        }),
      ],
    })),
  );
}

export function confusionPlot({ Plot, figure }: Plots, confusion: Confusion | undefined): Section {
  if (!confusion) return '';
  const { classes, counts } = confusion;
  const short = (name: string): string => (name.length > 10 ? `${name.slice(0, 9)}…` : name);
  const cells = counts.flatMap((row, label) => {
    const all = row.reduce((sum, count) => sum + count, 0) || 1;
    return row.map((count, answer) => ({ label, answer, count, share: count / all }));
  });
  const name = (i: number): string => short(classes[i]!);
  return section(
    'Who is taken for whom',
    'Each row is a class, each column what the model said; rows are shaded by their shares.',
    figure('Confusion matrix', (width) => ({
      ...{ width: Math.min(width, 560), height: Math.min(width, 560) * 0.8, marginLeft: 76, marginBottom: 66 },
      x: { label: 'said →', labelOffset: 60, tickFormat: name, tickRotate: classes.length > 4 ? -40 : 0 },
      y: { label: '↓ is', tickFormat: name },
      marks: [
        Plot.cell(cells, { x: 'answer', y: 'label', fill: hues[0]!, fillOpacity: 'share', inset: 1 }),
        Plot.cell(cells, { x: 'answer', y: 'label', fill: 'none', stroke: 'var(--line)', inset: 1 }),
        Plot.text(
          cells.filter(({ count }) => count > 0),
          {
            x: 'answer',
            y: 'label',
            text: 'count',
            fill: ({ share }: { share: number }) => (share > 0.5 ? 'var(--paper)' : 'var(--ink)'),
          },
        ),
      ],
      opacity: { domain: [0, 1], range: [0, 1] },
    })),
  );
}

/** What a search looked at: what it was to make small against the distance from the float model. */
export function searchPlot({ Plot, figure }: Plots, { search }: Pick<CompressionReport, 'search'>): Section {
  if (!search) return '';
  const kinds = ['uniform', 'mixed'];
  const inTime = search.target === 'latency';
  const points = search.candidates.map(({ weights, ...candidate }) => ({
    ...candidate,
    cost: inTime ? candidate.milliseconds! : candidate.bytes,
    kl: Math.max(candidate.kl, 1e-9),
    title: `${candidate.kind}, weights of 3, 4, 8 and 32 bits: ${['3', '4', '8', '32'].map((bits) => weights[bits]).join(', ')}`,
  }));
  const taken = points.slice(search.chosen, search.chosen + 1);
  return section(
    'The search',
    `Recipes that were tried on ${search.heldBack} held-back examples. Left and low is better; filled ones keep the goal of ${search.maxDrop} points, the ring is the one taken.`,
    legend(kinds) +
      figure(`${inTime ? 'Milliseconds' : 'Bytes'} of each recipe against its KL`, (width) => ({
        ...{ width, height: 320, marginLeft: 54, marginBottom: 36 },
        x: {
          label: inTime ? 'milliseconds an example →' : 'bytes →',
          tickFormat: inTime ? '~g' : '~s',
          ticks: width > 500 ? 8 : 4,
          grid: true,
          nice: true,
        },
        y: { label: '↑ KL, nats', type: 'log', tickFormat: '~g', ticks: 5, grid: true },
        color: { domain: kinds, range: hues.slice(0, 2) },
        marks: [
          Plot.dot(points, { x: 'cost', y: 'kl', stroke: 'kind', r: 5, title: 'title' }),
          Plot.dot(
            points.filter(({ within }) => within),
            { x: 'cost', y: 'kl', fill: 'kind', r: 5, title: 'title' },
          ),
          Plot.dot(taken, { x: 'cost', y: 'kl', stroke: 'var(--ink)', strokeWidth: 2, r: 9 }),
        ],
      })),
  );
}
