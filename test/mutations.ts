import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** The sound models: three folders of TensorFlow.js and a checkpoint of Hugging Face. */
export const models = ['int8', 'annotated', 'float', 'checkpoint'] as const;
export type ModelName = (typeof models)[number];

/** The files of a folder by name. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** What may become of a spoiled model: a refusal is always one CqError, and everything ends in time and memory. */
export type Expected =
  /** It is refused. */
  | 'refused'
  /** It is loaded and gives the same numbers. */
  | 'same'
  /** Refused, or the same numbers: what was spoiled is of no sound form, so that it must not count. */
  | 'refused or same'
  /** Refused, or executed: it is another sound model. */
  | 'any';

export interface Mutation {
  readonly kind: string;
  readonly model: ModelName;
  /** `plain` is tf.loadGraphModel: TensorFlow.js may throw what it likes, but not on behalf of a Cq op. */
  readonly way: 'graph' | 'plain';
  /** New content of files; undefined: the file is gone. */
  readonly changes: ReadonlyMap<string, Uint8Array | undefined>;
  readonly expected: Expected;
}

/** The kinds of mutations in order, and how many there are of each. */
export const plan = (): readonly Pick<Kind, 'kind' | 'count' | 'expected'>[] => kinds;

export const mutationCount = (): number => kinds.reduce((sum, { count }) => sum + count, 0);

/** Mutation `index`; the same index gives the same one. */
export function mutation(index: number, bases: Readonly<Record<ModelName, Files>>): Mutation {
  const row = kindOf(index);
  const dice = diceOf(index);
  const model = row.models[index % row.models.length]!;
  return { ...row, model, way: row.way ?? 'graph', changes: row.make(bases[model], dice, model) };
}

function kindOf(index: number): Kind {
  let end = 0;
  return kinds.find(({ count }) => index < (end += count))!;
}

interface Dice {
  /** 0 to count - 1. */
  below(count: number): number;
  pick<T>(list: readonly T[]): T;
}

function diceOf(seed: number): Dice {
  const random = xoroshiro128plus(seed);
  const below = (count: number): number => uniformInt(random, 0, count - 1);
  return { below, pick: (list) => list[below(list.length)]! };
}

interface Kind {
  readonly kind: string;
  readonly models: readonly ModelName[];
  readonly count: number;
  readonly expected: Expected;
  readonly way?: 'plain';
  readonly make: (files: Files, dice: Dice, model: ModelName) => Mutation['changes'];
}

type Json = null | boolean | number | string | Json[] | JsonObject;
interface JsonObject {
  [key: string]: Json;
}

/** The parts of a model.json that mutations aim at. */
interface ModelJson extends JsonObject {
  modelTopology: { node: NodeJson[] };
  signature: { inputs: Record<string, JsonObject>; outputs: Record<string, JsonObject> };
  userDefinedMetadata: { cq: JsonObject };
  weightsManifest: { paths: string[]; weights: SpecJson[] }[];
}
interface NodeJson extends JsonObject {
  name: string;
  op: string;
  input: string[];
  attr: Record<string, JsonObject>;
}
interface SpecJson extends JsonObject {
  name: string;
  dtype: string;
  shape: number[];
}

/** JSON that `JSON.stringify` cannot write is spliced into its text. */
const splice = (text: string): string => `\u0001${Buffer.from(text).toString('hex')}\u0001`;
const written = (json: unknown): string =>
  JSON.stringify(json).replaceAll(/"\\u0001([0-9a-f]*)\\u0001"/g, (_, hex: string) =>
    Buffer.from(hex, 'hex').toString(),
  );

/** Where the JSON of a model is: model.json, or the header of model.safetensors. */
function textOf(files: Files, model: ModelName): string {
  if (model !== 'checkpoint') return Buffer.from(files.get('model.json')!).toString();
  const bytes = Buffer.from(files.get('model.safetensors')!);
  return bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString();
}

function withText(files: Files, model: ModelName, text: string | Uint8Array): Mutation['changes'] {
  const content = Buffer.from(text as string);
  if (model !== 'checkpoint') return new Map([['model.json', content]]);
  const bytes = Buffer.from(files.get('model.safetensors')!);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(content.length));
  const data = bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
  return new Map([['model.safetensors', Buffer.concat([length, content, data])]]);
}

/** Changes the parsed JSON in place. */
const inJson =
  (change: (json: Json, dice: Dice) => void): Kind['make'] =>
  (files, dice, model) => {
    const json = JSON.parse(textOf(files, model)) as Json;
    change(json, dice);
    return withText(files, model, written(json));
  };

const inModel = (change: (json: ModelJson, dice: Dice) => void): Kind['make'] =>
  inJson((json, dice) => change(json as ModelJson, dice));

const inText =
  (change: (text: Buffer, dice: Dice) => Uint8Array): Kind['make'] =>
  (files, dice, model) =>
    withText(files, model, change(Buffer.from(textOf(files, model)), dice));

/** Changes the file with the numbers. `place` is somewhere in one weight: the numbers from `at` to `end`. */
const inBytes =
  (
    change: (bytes: Buffer, dice: Dice, place: () => { at: number; end: number }) => Uint8Array | undefined,
  ): Kind['make'] =>
  (files, dice, model) => {
    const name = model === 'checkpoint' ? 'model.safetensors' : 'group1-shard1of1.bin';
    const bytes = Buffer.from(files.get(name)!);
    const weights = model === 'checkpoint' ? [wholeOf(bytes)] : weightsOf(files, model);
    const total = weights.reduce((sum, { at, end }) => sum + end - at, 0);
    const place = (): { at: number; end: number } => {
      let left = dice.below(total);
      const { end } = weights.find((weight) => (left -= weight.end - weight.at) < 0)!;
      return { at: end + left, end };
    };
    return new Map([[name, change(bytes, dice, place)]]);
  };

const wholeOf = (bytes: Buffer): { at: number; end: number } => ({
  at: 8 + Number(bytes.readBigUInt64LE(0)),
  end: bytes.length,
});

/**
 * Where the weights stand, but for the sizes and paddings that stock ops are given: what a program of stock ops asks for
 * is bounded by nothing in its file, and one bit there may ask for all memory.
 */
function weightsOf(files: Files, model: ModelName): { at: number; end: number }[] {
  let end = 0;
  return specs(JSON.parse(textOf(files, model)) as ModelJson).flatMap(({ dtype, shape }) => {
    const at = end;
    end += shape.reduce((product, size) => product * size, dtype === 'bool' ? 1 : 4);
    return dtype === 'int32' && model !== 'int8' ? [] : [{ at, end }];
  });
}

/** A value of a JSON document and how to replace it. */
interface Place {
  readonly value: Json;
  readonly parent: Json[] | JsonObject;
  readonly key: string;
}

function places(json: Json): Place[] {
  const found: Place[] = [];
  const visit = (parent: Json): void => {
    if (parent === null || typeof parent !== 'object') return;
    for (const [key, value] of Object.entries(parent)) {
      found.push({ value, parent, key });
      visit(value);
    }
  };
  visit(json);
  return found;
}

function put({ parent, key }: Place, value: Json): void {
  (parent as JsonObject)[key] = value;
}

const formOf = (value: Json): string => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value);

/** Values of every form. No text here is an integer: that would be a sound spelling of an int64. */
const hostileValues: readonly Json[] = [
  ...[true, false, 0, 1, -1, 0.5, 7, 1e308, 2 ** 31, splice('1e999'), splice('-1e999')],
  ...['', 'abc', 'NaN', 'Infinity', '0x10', '1e3', '12abc', '__proto__', 'constructor', '\n\u001b[2J', '../../x', '😀'],
  ...[[], [[]], [null], ['abc'], [0.5], {}, { length: 1e9 }, { dim: 'abc' }, { i: {} }, { constructor: 1 }],
];
const hostileNumbers: readonly Json[] = [
  ...[0, -1, 1, 2, 3, 0.5, -0.25, 127, 255, 2 ** 15, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, 2 ** 63],
  ...[1e308, -1e308, 1e-320, splice('1e999'), splice('-1e999')],
];
const hostileStrings = hostileValues.filter(
  (value) => formOf(value) === 'string' && !String(value).startsWith('\u0001'),
);

/** Every name that an object has before it is given any, with something under it that would show. */
const polluted = { polluted: true, shape: [1], b: true, i: 7, dtype: 'int32', name: 'polluted', size: 3 };
const prototypeKeys = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];

/** An own key, `__proto__` included. */
function addKey(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

const nested = (levels: number, dice: Dice): string =>
  dice.below(2) === 0 ? '['.repeat(levels) + ']'.repeat(levels) : `${'{"a":'.repeat(levels)}0${'}'.repeat(levels)}`;

const folders = ['int8', 'annotated', 'float'] as const;

const isCq = ({ op }: NodeJson): boolean => op.startsWith('Cq');
const withInputs = (json: ModelJson): NodeJson[] => json.modelTopology.node.filter(({ input }) => input?.length > 0);
const specs = (json: ModelJson): SpecJson[] => json.weightsManifest[0]!.weights;

/** Some attribute in some node, of a Cq op where the model has them. */
function anyAttr(json: ModelJson, dice: Dice): { attr: Record<string, JsonObject>; key: string } {
  const nodes = json.modelTopology.node.filter(({ attr }) => attr && Object.keys(attr).length > 0);
  const { attr } = dice.pick(nodes.some(isCq) ? nodes.filter(isCq) : nodes);
  return { attr, key: dice.pick(Object.keys(attr)) };
}

/** A spelling of an attribute that is none of its type, nor of an int64. */
const brokenAttrs: readonly Json[] = [
  ...[{ b: 'true' }, { b: 1 }, { b: null }, { i: true }, { i: 0.5 }, { i: '0.5' }, { i: [1] }, { i: {} }, { i: '' }],
  ...[{ f: '0.5' }, { f: [0.5] }, { f: splice('1e999') }, { s: '***' }, { s: 5 }, { s: [0.5] }, { s: { a: 1 } }],
  ...[{ i: 1, b: true }, { f: 0.5, s: 'YQ==' }, { type: {} }, { shape: 5 }, { shape: { dim: [5] } }, { list: 5 }],
  ...[
    { shape: { dim: [{ size: 0.5 }] } },
    { list: { i: [0.5] } },
    { list: { i: 5 } },
    { list: { f: ['a'] } },
    5,
    'a',
    [],
  ],
];

function changeInput(json: ModelJson, dice: Dice, nodes: readonly NodeJson[]): void {
  const { input } = dice.pick(nodes);
  const at = dice.below(input.length);
  const other = dice.pick(json.modelTopology.node).name;
  const ways: readonly (() => void)[] = [
    () => input.splice(at, 1),
    () => input.splice(at, 0, other),
    () => (input[at] = other),
    () => (input[at] = `${input[at]}:${dice.pick(['1', '7', '-1', '0x1', '99999999999'])}`),
    () => (input[at] = `^${input[at]}`),
    () => input.reverse(),
    () => (input.length = 0),
    () => input.push(...(Array(100).fill(other) as string[])),
  ];
  dice.pick(ways)();
}

function flipBits(bytes: Buffer, dice: Dice, place: () => { at: number }): Buffer {
  for (let flips = 1 + dice.below(8); flips > 0; flips--) {
    const { at } = place();
    bytes[at] = bytes[at]! ^ (1 << dice.below(8));
  }
  return bytes;
}

const everywhere: readonly ModelName[] = models;

/** What JSON in general can have wrong. */
const jsonKinds: readonly Kind[] = [
  {
    kind: 'a value of another form',
    models: everywhere,
    count: 900,
    expected: 'refused or same',
    make: inJson((json, dice) => {
      const place = dice.pick(places(json));
      put(place, dice.pick(hostileValues.filter((value) => formOf(value) !== formOf(place.value))));
    }),
  },
  {
    kind: 'another number',
    models: everywhere,
    count: 500,
    expected: 'any',
    make: inJson((json, dice) =>
      put(dice.pick(places(json).filter(({ value }) => typeof value === 'number')), dice.pick(hostileNumbers)),
    ),
  },
  {
    kind: 'another text',
    models: everywhere,
    count: 300,
    expected: 'any',
    make: inJson((json, dice) =>
      put(dice.pick(places(json).filter(({ value }) => typeof value === 'string')), dice.pick(hostileStrings)),
    ),
  },
  {
    kind: 'nothing, or null',
    models: everywhere,
    count: 300,
    expected: 'any',
    make: inJson((json, dice) => {
      const place = dice.pick(places(json));
      if (dice.below(3) === 0) put(place, null);
      else if (Array.isArray(place.parent)) place.parent.splice(Number(place.key), 1);
      else Reflect.deleteProperty(place.parent, place.key);
    }),
  },
  {
    kind: 'two values swapped, or one copied',
    models: everywhere,
    count: 300,
    expected: 'any',
    make: inJson((json, dice) => {
      const all = places(json);
      const [a, b] = [dice.pick(all), dice.pick(all)];
      const same = all.filter(({ value, key }) => formOf(value) === formOf(a.value) && (key === a.key || b === a));
      const other = dice.below(2) === 0 ? b : dice.pick(same);
      const [first, second] = [structuredClone(a.value), structuredClone(other.value)];
      put(a, second);
      if (dice.below(2) === 0) put(other, first);
    }),
  },
  {
    kind: 'an element more',
    models: everywhere,
    count: 200,
    expected: 'any',
    make: inJson((json, dice) => {
      const list = dice.pick(places(json).filter(({ value }) => Array.isArray(value))).value as Json[];
      list.splice(dice.below(list.length + 1), 0, list.length > 0 ? structuredClone(dice.pick(list)) : 1);
    }),
  },
  {
    kind: 'a key of Object.prototype',
    models: everywhere,
    count: 200,
    expected: 'refused or same',
    make: inJson((json, dice) => {
      const objects = places(json).filter(({ value }) => formOf(value) === 'object');
      addKey(dice.pick(objects).value as JsonObject, dice.pick(prototypeKeys), polluted);
    }),
  },
  {
    kind: 'nested deeper than the call stack',
    models: everywhere,
    count: 80,
    expected: 'refused or same',
    make: inJson((json, dice) => {
      const place = dice.pick(places(json));
      const text = splice(nested(dice.pick([200, 5000, 50_000]), dice));
      if (formOf(place.value) === 'object' && dice.below(2) === 0) addKey(place.value as JsonObject, 'x', text);
      else put(place, text);
    }),
  },
  {
    kind: 'a long text, list or object',
    models: everywhere,
    count: 60,
    expected: 'any',
    make: inJson((json, dice) => {
      const long: readonly (() => Json)[] = [
        () => 'x'.repeat(1e6),
        () => Array<number>(200_000).fill(1),
        () => Array<string>(50_000).fill('abc'),
        () => splice(`[${Array<string>(100_000).fill('{}').join()}]`),
        () => Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, i])),
      ];
      put(dice.pick(places(json)), dice.pick(long)());
    }),
  },
  {
    kind: 'bits of the text flipped',
    models: everywhere,
    count: 400,
    expected: 'any',
    make: inText((text, dice) => flipBits(text, dice, () => ({ at: dice.below(text.length) }))),
  },
  {
    kind: 'the text cut short',
    models: everywhere,
    count: 150,
    expected: 'refused',
    make: inText((text, dice) => text.subarray(0, dice.below(text.toString().trimEnd().length))),
  },
  {
    kind: 'a piece of text gone, twice or elsewhere',
    models: everywhere,
    count: 250,
    expected: 'any',
    make: inText((text, dice) => {
      const [from, to] = [dice.below(text.length), dice.below(text.length)];
      const piece = text.subarray(from, from + 1 + dice.below(40));
      const without = [text.subarray(0, from), text.subarray(from + piece.length)];
      if (dice.below(3) === 0) return Buffer.concat(without);
      return Buffer.concat([text.subarray(0, to), piece, text.subarray(to)]);
    }),
  },
];

/** What a model.json can have wrong. */
const modelKinds: readonly Kind[] = [
  {
    kind: 'empty lists and objects in millions',
    models: folders,
    count: 12,
    expected: 'refused',
    make: inModel((json, dice) => {
      const many = splice(
        `[${Array<string>(2_000_000)
          .fill(dice.pick(['[]', '{}']))
          .join()}]`,
      );
      if (dice.below(2) === 0) json['comment'] = many;
      else (json.modelTopology as JsonObject)['node'] = many;
    }),
  },
  {
    kind: 'a cycle',
    models: folders,
    count: 60,
    expected: 'refused',
    make: inModel((json, dice) => {
      const nodes = withInputs(json);
      const readers = nodes.filter(({ input }) => nodes.some(({ name }) => name === input[0]));
      const reader = dice.pick(readers);
      const target = dice.below(4) === 0 ? reader : nodes.find(({ name }) => name === reader.input[0])!;
      target.input[dice.below(target.input.length)] = reader.name;
    }),
  },
  {
    kind: 'a name twice',
    models: folders,
    count: 60,
    expected: 'refused',
    make: inModel((json, dice) => {
      const nodes = json.modelTopology.node;
      const node = dice.pick(nodes);
      const other = dice.pick(nodes.filter(({ name }) => name !== node.name)).name;
      const spec = dice.pick(specs(json));
      const ways: readonly (() => void)[] = [
        () => (node.name = other),
        () => nodes.push(structuredClone(node)),
        () => (spec.name = dice.pick(specs(json).filter(({ name }) => name !== spec.name)).name),
        () => (json.signature.outputs = { pixels: logits(json) }),
      ];
      dice.pick(ways)();
    }),
  },
  {
    kind: 'an output with the name of another value',
    models: folders,
    count: 40,
    expected: 'same',
    make: inModel((json, dice) => {
      const values = dice.below(2) === 0 ? specs(json) : withInputs(json).filter(({ name }) => name !== 'logits');
      json.signature.outputs = { [dice.pick<{ name: string }>(values).name]: logits(json) };
    }),
  },
  {
    kind: 'a shard elsewhere',
    models: folders,
    count: 90,
    expected: 'refused',
    make: inModel((json, dice) => {
      const [group] = json.weightsManifest;
      const [name] = group!.paths as [string];
      group!.paths = dice.pick<readonly string[]>([
        [`../int8/${name}`],
        [`x/../../int8/${name}`],
        ['/etc/passwd'],
        ['/dev/zero'],
        ['..'],
        ['.'],
        [''],
        ['model.json'],
        [`${name}\u0000`],
        [`${name}/`],
        [`..\\int8\\${name}`],
        [`https://localhost/${name}`],
        ['x'.repeat(5000)],
        ['__proto__'],
        [name, name],
        [name, `./${name}`],
        Array<string>(10_000).fill(name),
        [],
      ]) as string[];
    }),
  },
  {
    kind: 'a shape that the bytes do not have',
    models: folders,
    count: 250,
    expected: 'refused',
    make: inModel((json, dice) => {
      const spec = dice.pick(specs(json).filter(({ shape }) => shape.length > 0));
      const at = dice.below(spec.shape.length);
      const size = spec.shape[at]!;
      const sizes: readonly Json[] = [
        ...[-1, -size, size + 1, size + 0.5, 2 ** 20, 2 ** 31, 2 ** 32 + size, 2 ** 53, 1e308, splice('1e999')],
        ...[String(size), [size], null, true, {}],
      ];
      const ways: readonly (() => void)[] = [
        () => (spec.shape[at] = dice.pick(sizes) as number),
        () => (spec.shape = Array<number>(40).fill(2 ** 30)),
        () => (spec.shape = [...spec.shape, 2 ** 30, 2 ** 30, 2 ** 4]),
        () => (spec.shape = [...spec.shape, 0]),
        () => (spec.shape = dice.pick<Json>([{ length: 1 }, '16', 16, null]) as unknown as number[]),
      ];
      (dice.below(3) > 0 ? ways[0]! : dice.pick(ways))();
    }),
  },
  {
    kind: 'a dtype that there is not',
    models: folders,
    count: 150,
    expected: 'refused',
    make: inModel((json, dice) => {
      const spec = dice.pick(specs(json));
      const quantized = (stored: Json, more: JsonObject = {}) =>
        void (spec['quantization'] = { dtype: stored, scale: 1, min: 0, ...more });
      const ways: readonly (() => void)[] = [
        () =>
          (spec.dtype = dice.pick<Json>([
            ...['string', 'complex64', 'int8', 'float64', 'uint8', 'uint16', 'float16', 'toString', '__proto__', ''],
            ...[null, 5, {}, ['float32']],
          ]) as string),
        () => quantized(dice.pick<Json>(['float32', 'int32', 'bool', 'string', 'toString', null, 5])),
        () => quantized('uint8', { scale: dice.pick<Json>(['2', splice('1e999'), null, {}]) }),
        () => quantized('uint16', { min: dice.pick<Json>(['2', splice('1e999'), [], true]) }),
        () => (spec['quantization'] = dice.pick<Json>([5, 'uint8', [], true])),
      ];
      dice.pick(ways)();
    }),
  },
  {
    kind: 'a format version that there is not',
    models: folders,
    count: 40,
    expected: 'refused',
    make: inModel(({ userDefinedMetadata: { cq } }, dice) => {
      cq['formatVersion'] = dice.pick<Json>([
        ...[0, 2, -1, 1.5, 1e308, '1', '', null, true, [1], {}, splice('1e999'), 'x'.repeat(1e5)],
        ...[splice(nested(50_000, dice)), ['\n']],
      ]);
    }),
  },
  {
    kind: 'metadata of another form',
    models: folders,
    count: 100,
    expected: 'refused',
    make: inModel(({ userDefinedMetadata: { cq } }, dice) => {
      const ways: readonly (() => void)[] = [
        () => (cq['labels'] = dice.pick<Json>(['abc', 5, {}, [1], [['a']], [null], true, { length: 3 }, { 0: 'a' }])),
        () => (cq['task'] = dice.pick<Json>([5, ['image-classification'], {}, false])),
        () => (cq['preprocessing'] = dice.pick<Json>(['abc', 5, [1], true])),
        () => (cq['compression'] = dice.pick<Json>(['abc', 5, [1], true])),
      ];
      dice.pick(ways)();
    }),
  },
  {
    kind: 'an op that there is not',
    models: folders,
    count: 60,
    expected: 'refused',
    make: inModel((json, dice) => {
      dice.pick(withInputs(json)).op = dice.pick([
        ...[
          'CqNothing',
          'Nothing',
          '',
          'constructor',
          'toString',
          '__proto__',
          'hasOwnProperty',
          'cqLinear',
          'x'.repeat(1e5),
        ],
        ...['CqLinear\n', 'placeholder'],
      ]);
    }),
  },
  {
    kind: 'an attribute of another type',
    models: folders,
    count: 300,
    expected: 'refused or same',
    make: inModel((json, dice) => {
      const { attr, key } = anyAttr(json, dice);
      attr[key] = dice.pick(brokenAttrs) as JsonObject;
    }),
  },
  {
    kind: 'another number in an attribute',
    models: ['int8', 'annotated'],
    count: 250,
    expected: 'any',
    make: inModel((json, dice) => {
      const { attr, key } = anyAttr(json, dice);
      attr[key] = { [dice.pick(['i', 'f'])]: dice.pick(hostileNumbers) };
    }),
  },
  {
    kind: 'inputs gone, added, swapped or renamed',
    models: folders,
    count: 250,
    expected: 'any',
    make: inModel((json, dice) => changeInput(json, dice, withInputs(json))),
  },
  {
    kind: 'a dtype of the same width, a shape of the same size',
    models: folders,
    count: 100,
    expected: 'any',
    make: inModel((json, dice) => {
      const spec = dice.pick(specs(json));
      if (dice.below(2) === 0) spec.dtype = spec.dtype === 'float32' ? 'int32' : 'float32';
      else spec.shape = dice.pick([[...spec.shape, 1], [1, ...spec.shape], [spec.shape.reduce((a, b) => a * b, 1)]]);
    }),
  },
  {
    kind: 'other words for the same',
    models: folders,
    count: 100,
    expected: 'same',
    make: (files, dice, model) => {
      const json = JSON.parse(textOf(files, model)) as ModelJson;
      for (const { attr } of json.modelTopology.node) {
        for (const [key, value] of Object.entries(attr ?? {})) {
          if (typeof value['i'] === 'number') attr[key] = { i: String(value['i']) };
        }
      }
      const nodes = json.modelTopology.node;
      for (let i = nodes.length - 1; i > 0; i--) {
        const j = dice.below(i + 1);
        [nodes[i], nodes[j]] = [nodes[j]!, nodes[i]!];
      }
      for (const { input } of withInputs(json)) input[0] = `${input[0]}:0`;
      Object.assign(json, { comment: 'x', generatedBy: 'TensorFlow.js tfjs-converter v4.22.0' });
      return withText(files, model, JSON.stringify(json, null, dice.below(4)));
    },
  },
];

const logits = (json: ModelJson): JsonObject => json.signature.outputs['logits']!;

/** What a header of safetensors can have wrong. */
const headerKinds: readonly Kind[] = [
  {
    kind: 'a tensor that the bytes do not have',
    models: ['checkpoint'],
    count: 250,
    expected: 'refused',
    make: inJson((json, dice) => {
      const header = json as Record<string, { dtype: Json; shape: Json; data_offsets: number[] }>;
      const names = Object.keys(header).filter((name) => name !== '__metadata__');
      const name = dice.pick(names);
      const tensor = header[name]!;
      const shape = tensor.shape as number[];
      const at = dice.below(2);
      const ways: readonly (() => void)[] = [
        () => (shape[dice.below(shape.length)] = dice.pick([-1, 0.5, 2 ** 20, 2 ** 31, 2 ** 53, 1e308])),
        () => (tensor.shape = [...shape, 2 ** 30, 2 ** 30, 2 ** 4]),
        () => (tensor.shape = Array<number>(40).fill(2 ** 30)),
        () => (tensor.shape = dice.pick<Json>(['16', 16, null, {}, [[16]], ['16']])),
        () =>
          (tensor.dtype = dice.pick<Json>(['I32', 'F16', 'BF16', 'I64', 'F64', 'U8', 'BOOL', 'toString', '', null, 5])),
        () => (tensor.data_offsets[at]! += dice.pick([-4, 4, -1, 1, 2 ** 31, 2 ** 53, 1e308, 0.5])),
        () => (tensor.data_offsets = dice.pick<Json>([[], [0], [0, 4, 8], '0', {}, ['0', '4'], null]) as number[]),
        () => (tensor.data_offsets = [...header[names.find((other) => other !== name)!]!.data_offsets]),
        () => Reflect.deleteProperty(header, name),
        () => (header[`${name}.copy`] = structuredClone(tensor)),
      ];
      dice.pick(ways)();
    }),
  },
  {
    kind: 'another header length',
    models: ['checkpoint'],
    count: 60,
    expected: 'refused',
    make: (files, dice) => {
      const bytes = Buffer.from(files.get('model.safetensors')!);
      const length = Number(bytes.readBigUInt64LE(0));
      const json = bytes
        .subarray(8, 8 + length)
        .toString()
        .trimEnd().length;
      const lengths = [
        0n,
        1n,
        7n,
        BigInt(dice.below(json)),
        BigInt(length + 1 + dice.below(1000)),
        2n ** 63n,
        2n ** 64n - 1n,
      ];
      bytes.writeBigUInt64LE(dice.pick([...lengths, 99_999_999n, 100_000_001n, 2n ** 31n, 2n ** 53n]));
      return new Map([['model.safetensors', bytes]]);
    },
  },
];

/** What the bytes behind the JSON can have wrong. */
const byteKinds: readonly Kind[] = [
  {
    kind: 'bits of the numbers flipped',
    models: everywhere,
    count: 400,
    expected: 'any',
    make: inBytes(flipBits),
  },
  {
    kind: 'a stretch of other numbers',
    models: everywhere,
    count: 100,
    expected: 'any',
    make: inBytes((bytes, dice, place) => {
      const { at, end } = place();
      return bytes.fill(dice.pick([0x00, 0x7f, 0x80, 0xff]), at, Math.min(end, at + dice.below(64)));
    }),
  },
  {
    kind: 'numbers cut short',
    models: everywhere,
    count: 150,
    expected: 'refused',
    make: inBytes((bytes, dice) => bytes.subarray(0, dice.below(bytes.length))),
  },
  {
    kind: 'more numbers',
    models: everywhere,
    count: 50,
    expected: 'refused',
    make: inBytes((bytes, dice) => Buffer.concat([bytes, bytes.subarray(0, 1 + dice.below(bytes.length))])),
  },
  { kind: 'no numbers', models: everywhere, count: 8, expected: 'refused', make: inBytes(() => undefined) },
];

/** The same through tf.loadGraphModel. */
const plainKinds: readonly Kind[] = [
  {
    kind: 'plain: an attribute of another type',
    models: ['int8'],
    count: 120,
    expected: 'refused or same',
    way: 'plain',
    make: inModel((json, dice) => {
      const { attr, key } = anyAttr(json, dice);
      attr[key] = dice.pick(brokenAttrs.filter((value) => !spellings.includes(JSON.stringify(value)))) as JsonObject;
    }),
  },
  {
    kind: 'plain: another number in an attribute',
    models: ['int8'],
    count: 120,
    expected: 'any',
    way: 'plain',
    make: inModel((json, dice) => {
      const { attr, key } = anyAttr(json, dice);
      attr[key] = { [dice.pick(['i', 'f'])]: dice.pick(hostileNumbers.filter((value) => typeof value === 'number')) };
    }),
  },
  {
    kind: 'plain: inputs of a Cq op',
    models: ['int8'],
    count: 80,
    expected: 'any',
    way: 'plain',
    make: inModel((json, dice) => changeInput(json, dice, withInputs(json).filter(isCq))),
  },
  {
    kind: 'plain: a value of another form',
    models: ['int8', 'float'],
    count: 120,
    expected: 'any',
    way: 'plain',
    make: jsonKinds[0]!.make,
  },
  {
    kind: 'plain: bits of the numbers flipped',
    models: ['int8'],
    count: 40,
    expected: 'any',
    way: 'plain',
    make: inBytes(flipBits),
  },
];

/** What TensorFlow.js itself reads as a number before an op sees it. */
const spellings = [
  '{"b":1}',
  '{"i":"0.5"}',
  '{"f":"0.5"}',
  '{"f":[0.5]}',
  '{"i":[1]}',
  '{"i":1,"b":true}',
  '{"f":0.5,"s":"YQ=="}',
];

const kinds: readonly Kind[] = [...jsonKinds, ...modelKinds, ...headerKinds, ...byteKinds, ...plainKinds];
