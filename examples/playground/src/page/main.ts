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
const titles: Readonly<Record<BackendName, string>> = { wasm: 'WebAssembly', webgl: 'WebGL', webgpu: 'WebGPU' };
/** What to know of a comparison there. */
const notes: Readonly<Record<BackendName, string>> = {
  wasm: '',
  webgl: '',
  webgpu:
    'WebGPU has no integer kernels: there the compressed model runs as the floats that its codes stand for, with as much memory as the float one; codes may differ by one.',
};
const count = (value: number): string => value.toLocaleString('en-US');
const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${count(Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(2)} MB`;

let model: ModelInfo | undefined;
let passesSound = false;
/** How to get back what the worker held, should it be stopped. */
let reopen: () => Promise<unknown> = () => Promise.resolve();
let reopened: Promise<unknown> = Promise.resolve();
const passes = passList((sound) => {
  passesSound = sound;
  allowCompressing();
});

function allowCompressing(): void {
  compressButton.disabled = !model || !(model.compressed || passesSound);
}

/** Shows what goes wrong, in the element with this id, instead of throwing it. */
const guarded = async (place: string, work: () => Promise<void>): Promise<void> => {
  const wrong = byId(place);
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
  if (info.compressed)
    byId('model-info').append(
      '. It is compressed already: it is measured against the floats that its codes stand for.',
    );
  byId('choice').hidden = info.compressed;
  compressButton.textContent = info.compressed ? 'Measure' : 'Compress';
  hideResult();
  byId('digit-input').hidden = info.reads !== 'digits';
  byId('photo-input').hidden = info.reads !== 'images';
  byId('text-input').hidden = info.reads !== 'texts';
  allowCompressing();
}

const showData = ({ name, size, labelled }: DataInfo): void => {
  byId('data-info').textContent = `${name}: ${count(size)} examples, ${labelled ? 'with' : 'without'} labels`;
};

const useDigits = () =>
  guarded('model-error', async () => {
    const { model: info, data } = await ask('openDigits', []);
    showModel(info);
    showData(data);
    reopen = () => ask('openDigits', []);
  });

const useModel = (given: Given) =>
  guarded('model-error', async () => {
    showModel(await ask('openModel', [given]));
    byId('data-info').textContent = 'No data yet. Some passes need none, but then nothing is compared.';
    reopen = () => ask('openModel', [given]);
  });

const useData = (given: Given) =>
  guarded('data-error', async () => {
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
  if (now) compressButton.disabled = true;
  else allowCompressing();
}

const number = (id: string): number => byId<HTMLInputElement>(id).valueAsNumber;

compressButton.onclick = () =>
  guarded('error', async () => {
    const start = performance.now();
    running(true);
    cancelButton.focus();
    byId('progress-text').textContent = 'Starting …';
    byId<HTMLProgressElement>('progress').value = 0;
    let next: HTMLElement = compressButton;
    try {
      await reopened;
      const [samples, compared, seed] = [number('samples'), number('compared'), number('seed')];
      const request = { passes: model!.compressed ? [] : passes.chosen(), samples, compared, seed };
      const outcome = await ask('compress', [request], ({ share, what }) => {
        byId<HTMLProgressElement>('progress').value = share;
        byId('progress-text').textContent = [what, timeLeft(performance.now() - start, share)]
          .filter(Boolean)
          .join(' · ');
      });
      backend.value = 'wasm';
      showOutcome(outcome);
      next = byId('result-title');
    } finally {
      running(false);
      next.focus();
    }
  });

cancelButton.onclick = () => {
  stop();
  hideResult();
  reopened = reopen();
  void guarded('error', async () => void (await reopened));
  byId('error').textContent = 'Cancelled.';
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
          headline(`${(float.milliseconds / compressed.milliseconds).toFixed(2)}×`, 'of float’s speed, on WebAssembly'),
          headline(`${(100 * comparison.agreement).toFixed(1)} %`, 'of answers are the same'),
        ]
      : []),
    headline(`${seconds.toFixed(1)} s`, model!.compressed ? 'to measure both' : 'to compress and compare'),
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
    [`on ${titles[name]}${examples === 0 ? '' : `, ${count(examples)} examples`}`, 'float', 'compressed'],
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
  guarded('result-error', async () => {
    const name = backend.value as BackendName;
    const note = byId('backend-note');
    note.textContent = `Comparing on ${titles[name]} …`;
    try {
      showComparison(await ask('compare', [name, fewExamples]));
      note.textContent = notes[name];
    } catch (error) {
      if (name === 'wasm' || error instanceof Stopped) throw error;
      backend.value = 'wasm';
      showComparison(await ask('compare', ['wasm', fewExamples]));
      note.textContent = `${(error as Error).message}. Shown on WebAssembly instead.`;
    }
  });

byId('download').onclick = () =>
  guarded('result-error', async () => {
    const zip = await ask('zip', []);
    const url = URL.createObjectURL(new Blob([zip as Uint8Array<ArrayBuffer>], { type: 'application/zip' }));
    element('a', { href: url, download: `${model!.name.replaceAll(/\W+/g, '-').toLowerCase()}.zip` }).click();
    URL.revokeObjectURL(url);
  });

const classify = (input: Pixels | Blob | string) =>
  guarded('try-error', async () => {
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
  guarded('try-error', async () => {
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
    input.onchange = () => {
      if (input.files?.length) use(filesOf(input.files));
      input.value = ''; // so that the same one can be chosen again
    };
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

// A file that misses the sections must not take the place of the page.
window.ondragover = window.ondrop = (event) => event.preventDefault();
takesFiles('model', ['model-folder', 'model-files'], useModel);
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
