import { CqError } from '@cq/core';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';

/** Text as the numbers that a model takes. `parseTokenizer` makes one; so may anybody. */
export interface Tokenizer {
  /** What errors call it, such as the folder that it was read from. */
  readonly name: string;
  /** Tokens that the model was made for, the special ones included; absent where the files do not say. */
  readonly maxLength?: number;
  /** The token that fills up the shorter texts of a batch. */
  readonly padding: number;
  /** The special tokens and between them those of the text, of which the last are cut so that there are `maxLength`. */
  encode(text: string, maxLength: number): Int32Array;
}

/** The files that make a tokenizer; a model's folder needs them to read text. */
export const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json'] as const;

/** The parsed files of a tokenizer, not yet checked. */
export interface TokenizerFiles {
  /** tokenizer.json */
  readonly tokenizer: unknown;
  /** tokenizer_config.json */
  readonly config: unknown;
}

/**
 * A tokenizer of Hugging Face, with its numbers. What would change them and is not supported is refused by name.
 * @param name what errors call it, such as its folder
 */
export function parseTokenizer({ tokenizer, config }: TokenizerFiles, name: string): Tokenizer {
  const settings = record(config, `${name}/tokenizer_config.json`);
  const definition = record(tokenizer, `${name}/tokenizer.json`);
  const files = { name, settings, definition };
  checkModel(files);
  checkAddedTokens(files);
  checkSides(files);
  const { algorithm, before, after } = construct(files);
  const maxLength = maxLengthOf(files);
  const special = before.length + after.length;
  return {
    name,
    ...(maxLength !== undefined && { maxLength }),
    padding: paddingOf(files, algorithm),
    encode(text, length) {
      if (!(length > special)) {
        throw new CqError(
          `${name}: the length must be more than ${special}, as so many tokens are special, got ${length}`,
        );
      }
      const { ids, tokens } = algorithm.encode(text, { add_special_tokens: false });
      const unknown = ids.findIndex((id) => !isId(id));
      if (unknown >= 0) {
        throw new CqError(
          `${name}/tokenizer.json: every token must have a number, got ${ids[unknown]} for "${tokens[unknown]}"; correct its vocabulary`,
        );
      }
      return Int32Array.from([...before, ...ids.slice(0, length - special), ...after]);
    },
  };
}

type Json = Readonly<Record<string, unknown>>;

interface Files {
  readonly name: string;
  readonly settings: Json;
  readonly definition: Json;
}

/** What is used of the class; its own types do not resolve in ES modules. */
interface Algorithm {
  readonly model: { readonly tokens_to_ids: ReadonlyMap<string, number> };
  readonly post_processor: PostProcessor | null;
  encode(text: string, options: { add_special_tokens: boolean }): { ids: readonly number[]; tokens: readonly string[] };
}

interface PostProcessor {
  post_process(
    tokens: readonly string[],
    pair: null,
    addSpecial: boolean,
  ): { tokens: readonly string[]; token_type_ids?: readonly number[] };
}

interface Framed {
  readonly algorithm: Algorithm;
  /** Special tokens in front of a text, and behind it. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

function construct({ name, settings, definition }: Files): Framed {
  try {
    // It would cut a text into pieces of no length for ever, if the file says so; no model of words has it.
    if (JSON.stringify(definition['pre_tokenizer'] ?? null).includes('"FixedLength"')) {
      throw new Error('the pre-tokenizer FixedLength, which is not supported');
    }
    const algorithm = new HuggingFaceTokenizer(definition, settings) as Algorithm;
    return { algorithm, ...frame(algorithm) };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new CqError(
      `${name}/tokenizer.json: a tokenizer that can be built is expected, got "${cause}"; use the file of the model`,
      { cause: error },
    );
  }
}

/** What the post-processor puts around a text, seen from what it puts around one token. */
function frame({ post_processor: processor, model }: Algorithm): Omit<Framed, 'algorithm'> {
  if (!processor) return { before: [], after: [] };
  const text = '';
  const { tokens, token_type_ids: types = [] } = processor.post_process([text], null, true);
  const at = tokens.indexOf(text);
  if (at < 0 || at !== tokens.lastIndexOf(text)) throw new Error('a template that does not hold the text once');
  if (types.some((type) => type !== 0)) throw new Error(`token types other than 0: ${types.join(', ')}`);
  const ids = tokens.map((token) => model.tokens_to_ids.get(token));
  const unknown = ids.findIndex((id, place) => place !== at && !isId(id));
  if (unknown >= 0) throw new Error(`a special token without a number: ${tokens[unknown]}`);
  return { before: ids.slice(0, at) as number[], after: ids.slice(at + 1) as number[] };
}

/** Older files do not name the kind. Words without pieces, which the class takes too, are not what models use. */
function checkModel({ name, definition: { model } }: Files): void {
  const kinds = ['WordPiece', 'BPE', 'Unigram'];
  const type = isRecord(model) ? (model['type'] ?? null) : undefined;
  const unnamed = () => isRecord(model) && ('continuing_subword_prefix' in model || Array.isArray(model['vocab']));
  if (kinds.some((kind) => type === kind) || (type === null && unnamed())) return;
  throw new CqError(
    `${name}/tokenizer.json: the type of its model must be ${kinds.join(', ')}, got ${show(type ?? model)}; others are not supported`,
  );
}

/** Before anything walks through them. */
function checkAddedTokens({ name, definition }: Files): void {
  const added = definition['added_tokens'];
  const valid = (token: unknown) => isRecord(token) && typeof token['content'] === 'string' && isId(token['id']);
  if (Array.isArray(added) && added.every(valid)) return;
  const found = Array.isArray(added) ? added.find((token) => !valid(token)) : added;
  throw new CqError(
    `${name}/tokenizer.json: "added_tokens" must be a list of {id, content}, got ${show(found)}; use the file of the model`,
  );
}

/** Cutting or padding at the left gives the tokens other positions. */
function checkSides({ name, settings, definition }: Files): void {
  for (const [field, within] of [
    ['truncation_side', 'truncation'],
    ['padding_side', 'padding'],
  ] as const) {
    const inner = definition[within];
    const side = settings[field] ?? (isRecord(inner) ? inner['direction'] : null) ?? 'right';
    if (side === 'right' || side === 'Right') continue;
    throw new CqError(
      `${name}/tokenizer_config.json: "${field}" must be "right", got ${show(side)}; others are not supported`,
    );
  }
}

/** Hugging Face writes 10^30 where there is no limit. */
const unlimited = 1e9;

function maxLengthOf({ name, settings, definition }: Files): number | undefined {
  const { truncation } = definition;
  const given = settings['model_max_length'] ?? (isRecord(truncation) ? truncation['max_length'] : null) ?? unlimited;
  if (typeof given === 'number' && given >= unlimited) return undefined;
  if (isId(given) && given > 0) return given;
  throw new CqError(
    `${name}/tokenizer_config.json: "model_max_length" must be a whole number from 1, got ${show(given)}; correct it`,
  );
}

/** The names that BERT and RoBERTa give the token, whose older files do not say. */
const usualPadding = ['[PAD]', '<pad>'];

function paddingOf({ name, settings, definition }: Files, { model }: Algorithm): number {
  const { padding } = definition;
  const given = settings['pad_token'] ?? (isRecord(padding) ? padding['pad_token'] : null);
  const token = isRecord(given) ? given['content'] : given;
  const candidates = token === undefined || token === null ? usualPadding : [token as string];
  const ids = candidates.map((candidate) => model.tokens_to_ids.get(candidate));
  const id = ids.find(isId);
  if (id !== undefined) return id;
  throw new CqError(
    `${name}/tokenizer_config.json: "pad_token" must be a token of tokenizer.json, got ${show(given)}; name the token that fills up short texts`,
  );
}

function record(json: unknown, file: string): Json {
  if (isRecord(json)) return json;
  throw new CqError(`${file}: a JSON object is expected, got ${show(json)}; use the file of the model`);
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
