import type { Dataset } from '../dataset.ts';
import type { Graph } from '../graph.ts';
import type { DataRole, Pass } from '../pass.ts';
import { asJson } from '../report.ts';
import { excerpt } from '../runtime/op.ts';
import { version } from '../version.ts';
import { kernelsInUse } from './kernels-in-use.ts';
import { hex, sha256 } from './sha256.ts';

/** All that the result of a run depends on: what it is, in words → its value, as JSON. */
export type Fingerprint = Readonly<Record<string, unknown>>;

export interface FingerprintParts {
  readonly model: Graph;
  readonly data: Readonly<Partial<Record<DataRole, Dataset>>>;
  readonly passes: readonly Pass[];
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Whatever else the caller knows of. */
  readonly more: Readonly<Record<string, string | number>>;
}

/**
 * Two runs that share it give the same bytes. The model counts by its contents; data by name, size and contents, of
 * which up to 256 examples are read; a pass by its name and options, since its code cannot be seen from here.
 */
export async function fingerprintOf({
  model,
  data,
  passes,
  seed,
  signal,
  more,
}: FingerprintParts): Promise<Fingerprint> {
  return {
    ...more,
    model: await graphHash(model),
    ...(await dataParts(data, signal)),
    'number of passes': passes.length,
    ...Object.assign({}, ...passes.map(passParts)),
    seed,
    '@cq version': version,
    ...(await kernelsInUse()),
  };
}

async function dataParts(data: FingerprintParts['data'], signal: AbortSignal): Promise<Fingerprint> {
  const parts: Record<string, unknown> = {};
  for (const role of ['calibration', 'training', 'evaluation'] as const) {
    const dataset = data[role];
    if (!dataset) continue;
    parts[`${role} data`] = dataset.name;
    parts[`${role} examples`] = dataset.size;
    parts[`${role} contents`] = await contentHash(dataset, signal);
  }
  return parts;
}

function passParts({ name, options }: Pass, index: number): Fingerprint {
  const place = `pass ${index + 1}`;
  const chosen = Object.entries(asJson({ ...options }));
  return { [place]: name, ...Object.fromEntries(chosen.map(([option, value]) => [`${place} ${option}`, value])) };
}

/** `the store holds a run with seed 1, this one has seed 2`; undefined if they are the same. */
export function difference(holder: string, held: Fingerprint, wanted: Fingerprint): string | undefined {
  const names = [...new Set([...Object.keys(held), ...Object.keys(wanted)])];
  const differing = names.filter((what) => JSON.stringify(held[what]) !== JSON.stringify(wanted[what]));
  if (differing.length === 0) return undefined;
  const said = (fingerprint: Fingerprint): string => {
    const values = differing.map((what) =>
      Object.hasOwn(fingerprint, what) ? `${what} ${excerpt(fingerprint[what])}` : `no ${what}`,
    );
    return new Intl.ListFormat('en', { type: 'conjunction' }).format(values);
  };
  return `${holder} holds a run with ${said(held)}; this one has ${said(wanted)}`;
}

async function graphHash({ nodes, weights, inputs, outputs, metadata }: Graph): Promise<string> {
  const constants = [...weights.values()];
  const form = [[...nodes.values()], constants.map(({ data: _, ...rest }) => rest), inputs, outputs, metadata];
  return shortHash([JSON.stringify(form), ...constants.map(({ data }) => data)]);
}

const MOST_EXAMPLES = 256;

/** Of all examples, or of so many spread evenly. */
async function contentHash(dataset: Dataset, signal: AbortSignal): Promise<string> {
  const count = Math.min(dataset.size, MOST_EXAMPLES);
  const indices = Array.from({ length: count }, (_, i) => Math.floor((i * dataset.size) / count));
  const hashes: string[] = [];
  for await (const { inputs, ...rest } of dataset.batches(1, indices)) {
    signal.throwIfAborted();
    const tensors = Object.entries(inputs);
    const form = tensors.map(([name, { dtype, shape }]) => [name, dtype, shape]);
    hashes.push(hex(await sha256([JSON.stringify([form, rest]), ...tensors.map(([, { data }]) => data)])));
  }
  return shortHash(hashes);
}

/** 64 bits tell apart what differs by accident, and can be read in an error. */
const shortHash = async (parts: Parameters<typeof sha256>[0]): Promise<string> => hex(await sha256(parts)).slice(0, 16);
