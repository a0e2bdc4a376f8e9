import { cq } from './testing/cq.ts';
import { temporaryFolder, tinyModel } from './testing/tiny.ts';

const commands = ['inspect', 'compress', 'eval', 'bench', 'sweep', 'worker', 'doctor'];

describe('help', () => {
  test('lists the commands, on stdout', async () => {
    const { code, stdout, stderr } = await cq('--help');
    expect([code, stderr]).toEqual([0, '']);
    for (const command of commands) expect(stdout).toContain(`\n  cq ${command}`);
  });

  test('without a command it goes to stderr, as wrong use', async () => {
    const { code, stdout, stderr } = await cq();
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Usage: cq');
  });

  test('the version is that of the package', async () => {
    const { code, stdout } = await cq('--version');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong use is one line on stderr and exit code 2', () => {
  test.each([
    ['an unknown command', ['inspct'], "cq: unknown command 'inspct' (Did you mean inspect?); see cq --help"],
    [
      'an unknown option, even where a required one is missing too',
      ['compress', 'm', '--recpie', 'int8'],
      "compress: unknown option '--recpie' (Did you mean --recipe?); see cq compress --help",
    ],
    ['a missing argument', ['inspect'], "inspect: missing required argument 'MODEL'; see cq inspect --help"],
    [
      'an option without its value',
      ['eval', 'm', '--data'],
      "eval: option '--data <DATA>' argument missing; see cq eval --help",
    ],
    ['one argument too many', ['inspect', 'a', 'b'], 'inspect: too many arguments'],
    ['no --data', ['eval', 'm'], 'eval: --data DATA must be given, got none; see cq eval --help'],
    ['no --redis', ['worker'], 'worker: --redis URL must be given, got none; see cq worker --help'],
    ['a misspelt option', ['sweep', 'c.json', '--resum'], "sweep: unknown option '--resum' (Did you mean --resume?)"],
    ['no --out', ['compress', 'm'], 'compress: --out DIR must be given, got none; see cq compress --help'],
    [
      'neither recipe nor config',
      ['compress', 'm', '--out', 'o'],
      'either --recipe NAME or --config FILE must be given, got neither',
    ],
    [
      'both recipe and config',
      ['compress', 'm', '--out', 'o', '--recipe', 'int8', '--config', 'c.json'],
      'either --recipe NAME or --config FILE must be given, got both',
    ],
    [
      'an unknown recipe',
      ['compress', 'm', '--out', 'o', '--recipe', 'int9'],
      'compress: unknown recipe "int9"; did you mean "int8"? Known are int8',
    ],
    [
      'a recipe without its data',
      ['compress', 'm', '--out', 'o', '--recipe', 'int8'],
      'compress: quantize-uniform needs calibration data; add --calibration DATA',
    ],
    [
      'a count that is none',
      ['eval', 'm', '--data', 'd', '--limit', 'ten'],
      'eval: --limit must be a whole number from 1, got "ten"',
    ],
    [
      'a count that is too small',
      ['compress', 'm', '--samples', '0'],
      'compress: --samples must be a whole number from 1, got "0"',
    ],
    [
      'an unknown backend',
      ['eval', 'm', '--data', 'd', '--backend', 'wsam'],
      '--backend must be wasm or cpu, got "wsam"; did you mean "wasm"?',
    ],
    [
      'threads of the reference kernels',
      ['eval', 'm', '--data', 'd', '--backend', 'cpu', '--threads', '2'],
      'eval: --threads must be 1 with --backend cpu, got 2',
    ],
    ['no threads', ['bench', 'm', '--threads', '0'], 'bench: --threads must be a whole number from 1, got "0"'],
    [
      'a peer without models for it',
      ['bench', 'm', '--against', 'tfjs,ort-web'],
      'bench: --against ort-web needs .onnx files in MODEL or MODEL/onnx, got none in m; put them there',
    ],
    [
      'an unknown peer',
      ['bench', 'm', '--against', 'litert'],
      'bench: --against must be tfjs or ort-web, got "litert"',
    ],
  ])('%s', async (_, argv, message) => {
    const { code, stdout, stderr } = await cq(...argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toContain(message);
  });
});

const folder = temporaryFolder();

test('an unknown error shows where it came from', async () => {
  const model = tinyModel(folder);
  const json = jest.spyOn(JSON, 'stringify').mockImplementation(() => {
    throw new Error('a bug');
  });
  const { code, stderr } = await cq('inspect', model, '--json');
  json.mockRestore();
  expect(code).toBe(1);
  expect(stderr).toMatch(/^inspect: unexpected error; please report it with these lines\nError: a bug\n +at /);
});

test('a model of the hub that cannot be one fails before anything is asked for', async () => {
  const { code, stdout, stderr } = await cq('inspect', 'hf:deit-tiny');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toBe('hf:deit-tiny: a model of the hub must be hf:owner/name, got "deit-tiny"\n');
});
