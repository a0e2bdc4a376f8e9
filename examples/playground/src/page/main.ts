import { client, Stopped } from '../client.ts';
import { filesDropped, filesOf } from '../files.ts';
import type { Answer, BackendName, Comparison, DataInfo, Given, ModelInfo, Outcome, Pixels } from '../protocol.ts';
import { centredDigit } from './centred-digit.ts';
import { drawingPad } from './drawing-pad.ts';
import { byId, element, fillTable } from './element.ts';
import { passList } from './pass-list.ts';
import { timeLeft } from './time-left.ts';

const { ask, stop } = client(() => new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module' }));

const [compressButton, cancelButton] = [byId<HTMLButtonElement>('compress'), byId<HTMLButtonElement>('cancel')];
const backend = byId<HTMLSelectElement>('backend');
const wrong = byId('error');
const count = (value: number): string => value.toLocaleString('en-US');
const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${count(Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(2)} MB`;

let model: ModelInfo | undefined;
let passesSound = false;
let outcome: Outcome | undefined;
/** How to get back what the worker held, should it be stopped. */
let reopen: () => Promise<unknown> = () => Promise.resolve();
let reopened: Promise<unknown> = Promise.resolve();
const passes = passList((sound) => {
  passesSound = sound;
  compressButton.disabled = !sound || !model;
});

/** Shows what goes wrong instead of throwing it. */
const guarded = async (work: () => Promise<void>): Promise<void> => {
  wrong.textContent = '';
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Stopped)) wrong.textContent = (error as Error).message;
  }
};

/** The worker holds no compressed model any more. */
function hideResult(): void {
  for (const id of ['result', 'try']) byId(id).hidden = true;
}

function showModel(info: ModelInfo): void {
  model = info;
  byId('model-info').textContent =
    `${info.name}: ${info.task}, ${count(info.parameters)} parameters, ${megabytes(info.bytes)}; ${info.inputs.join(', ')}`;
  hideResult();
  byId('digit-input').hidden = info.reads !== 'digits';
  byId('photo-input').hidden = info.reads !== 'images';
  byId('text-input').hidden = info.reads !== 'texts';
  compressButton.disabled = !passesSound;
}

const showData = ({ name, size, labelled }: DataInfo): void => {
  byId('data-info').textContent = `${name}: ${count(size)} examples, ${labelled ? 'with' : 'without'} labels`;
};

const useDigits = () =>
  guarded(async () => {
    const { model: info, data } = await ask('openDigits', []);
    showModel(info);
    showData(data);
    reopen = () => ask('openDigits', []);
  });

const useModel = (given: Given) =>
  guarded(async () => {
    byId('data-info').textContent = 'none yet';
    showModel(await ask('openModel', [given]));
    reopen = () => ask('openModel', [given]);
  });

const useData = (given: Given) =>
  guarded(async () => {
    showData(await ask('openData', [given]));
    const before = reopen;
    reopen = async () => {
      await before();
      await ask('openData', [given]);
    };
  });

function running(now: boolean): void {
  byId('running').hidden = !now;
  cancelButton.hidden = !now;
  compressButton.disabled = now || !passesSound || !model;
}

compressButton.onclick = () =>
  guarded(async () => {
    const start = performance.now();
    running(true);
    cancelButton.focus();
    byId('progress-text').textContent = 'Starting …';
    const [samples, seed] = ['samples', 'seed'].map((id) => byId<HTMLInputElement>(id).valueAsNumber);
    try {
      backend.value = 'wasm';
      await reopened;
      const request = { passes: passes.chosen(), samples: samples!, seed: seed! };
      outcome = await ask('compress', [request], ({ share, what }) => {
        byId<HTMLProgressElement>('progress').value = share;
        byId('progress-text').textContent = [what, timeLeft(performance.now() - start, share)]
          .filter(Boolean)
          .join(' · ');
      });
      showOutcome(outcome);
    } finally {
      running(false);
      compressButton.focus();
    }
  });

cancelButton.onclick = () => {
  stop();
  hideResult();
  reopened = reopen();
  void guarded(async () => void (await reopened));
  wrong.textContent = 'Cancelled.';
};

function showOutcome({ comparison, seconds, values, left }: Outcome): void {
  for (const id of ['result', 'try']) byId(id).hidden = false;
  if (model!.reads === 'nothing') byId('try').hidden = true;
  const { float, compressed } = comparison;
  const headline = (number: string, what: string) =>
    element('div', {}, element('b', {}, number), element('span', {}, what));
  byId('headlines').replaceChildren(
    headline(`${(float.bytes / compressed.bytes).toFixed(2)}×`, 'smaller'),
    ...(comparison.count > 0
      ? [
          headline(`${(float.milliseconds / compressed.milliseconds).toFixed(2)}×`, 'the speed of float'),
          headline(`${(100 * comparison.agreement).toFixed(1)} %`, 'of answers are the same'),
        ]
      : []),
    headline(`${seconds.toFixed(1)} s`, 'to compress and compare'),
    headline(count(left.length), left.length === 1 ? 'value left in float' : 'values left in float'),
  );
  showComparison(comparison);
  const lines = [...values, ...left];
  const filter = byId<HTMLInputElement>('filter');
  filter.oninput = () => {
    const shown = lines.filter((line) => Object.values(line).some((text) => text.includes(filter.value)));
    fillTable(
      byId('values'),
      ['value', 'pass', 'what it found'],
      shown.map(({ value, pass, found }) => [value, pass, found]),
    );
  };
  filter.oninput(new Event('input'));
}

function showComparison({ backend: name, count: examples, float, compressed }: Comparison): void {
  const line = (title: string, of: (side: Comparison['float']) => string) => [title, of(float), of(compressed)];
  fillTable(
    byId('comparison'),
    [`on ${name === 'wasm' ? 'WebAssembly' : 'WebGL'}`, 'float', 'compressed'],
    [
      line('bytes of weights', ({ bytes }) => count(bytes)),
      ...(examples === 0 ? [] : [line('median latency', ({ milliseconds }) => `${milliseconds.toFixed(2)} ms`)]),
      ...(float.correct === undefined ? [] : [line(`correct of ${count(examples)}`, ({ correct }) => count(correct!))]),
      ...(examples === 0 ? [] : [line('fingerprint of outputs', ({ logitsSha256 }) => logitsSha256.slice(0, 12))]),
    ],
  );
}

/** As many examples as a backend that is slow to start may be compared on. */
const fewExamples = 20;

backend.onchange = () =>
  guarded(async () => {
    backend.disabled = true;
    try {
      showComparison(await ask('compare', [backend.value as BackendName, fewExamples]));
    } finally {
      backend.disabled = false;
    }
  });

byId('download').onclick = () =>
  guarded(async () => {
    const zip = await ask('zip', []);
    const url = URL.createObjectURL(new Blob([zip as Uint8Array<ArrayBuffer>], { type: 'application/zip' }));
    element('a', { href: url, download: `${model!.name.replaceAll(/\W+/g, '-').toLowerCase()}.zip` }).click();
    URL.revokeObjectURL(url);
  });

const classify = (input: Pixels | Blob | string) =>
  guarded(async () => {
    const { float, compressed } = await ask('classify', [input, backend.value as BackendName]);
    const items = (answers: readonly Answer[]) =>
      answers.map(({ label, share }) => element('li', {}, label, element('span', {}, `${(100 * share).toFixed(1)} %`)));
    byId('float-answer').replaceChildren(...items(float));
    byId('compressed-answer').replaceChildren(...items(compressed));
    byId('verdict').textContent =
      float[0]!.label === compressed[0]!.label ? 'Both give the same answer.' : 'They differ.';
  });

const pad = drawingPad(() => {
  const digit = centredDigit(byId<HTMLCanvasElement>('pad'));
  if (digit) void classify(digit);
});
let sample = 0;
byId('clear').onclick = () => pad.clear();
byId('sample').onclick = () =>
  guarded(async () => {
    const bytes = await ask('sampleDigit', [sample++]);
    pad.show(bytes);
    const data = new Uint8ClampedArray(bytes.length * 4);
    bytes.forEach((byte, i) => data.set([byte, byte, byte, 255], i * 4));
    await classify({ width: 28, height: 28, data });
  });
byId('read').onclick = () => void classify(byId<HTMLTextAreaElement>('text').value);

async function usePhoto(photo: Blob): Promise<void> {
  const preview = byId<HTMLImageElement>('preview');
  URL.revokeObjectURL(preview.src);
  Object.assign(preview, { src: URL.createObjectURL(photo), alt: 'The chosen photo', hidden: false });
  await classify(photo);
}

/** A section and the inputs in it: what is dropped on the one or chosen by the other goes the same way. */
function takesFiles(section: string, inputs: readonly string[], use: (given: Given) => unknown): void {
  const place = byId(section);
  for (const id of inputs) {
    const input = byId<HTMLInputElement>(id);
    input.onchange = () => void (input.files?.length && use(filesOf(input.files)));
  }
  place.ondragover = (event) => {
    event.preventDefault();
    place.classList.add('over');
  };
  place.ondragleave = () => place.classList.remove('over');
  place.ondrop = (event) => {
    event.preventDefault();
    place.classList.remove('over');
    if (event.dataTransfer) void filesDropped(event.dataTransfer).then(use);
  };
}

takesFiles('model', ['model-files'], useModel);
takesFiles('data', ['data-files', 'data-folder'], useData);
takesFiles('try', ['photo'], ({ files }) => {
  const [photo] = files.values();
  if (photo && model?.reads === 'images') void usePhoto(photo);
});
byId('use-digits').onclick = () => void useDigits();

await useDigits();
if ('serviceWorker' in navigator && location.protocol !== 'file:') {
  await navigator.serviceWorker.register('./service-worker.js', { type: 'classic' });
  await navigator.serviceWorker.ready;
}
byId('offline').textContent = 'Ready. Everything is loaded; it works offline now.';
