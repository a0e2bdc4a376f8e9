import { CqError } from '@cq/core';
import type { Filter } from './resize.ts';

/** How an image becomes a model's input: resize, crop, then `(pixel · rescale − mean) / std` per channel. Plain JSON. */
export interface Preprocessing {
  /** 3 for RGB, 1 for greyscale. */
  readonly channels: 1 | 3;
  /** To exactly this size, or to this shortest edge with the proportions kept; absent: the image's own size. */
  readonly resize?: ({ readonly height: number; readonly width: number } | { readonly shortestEdge: number }) & {
    readonly filter: Filter;
  };
  /** Cut from the centre; a smaller image is padded with zeros. */
  readonly crop?: { readonly height: number; readonly width: number };
  readonly rescale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * Reads a Hugging Face `preprocessor_config.json`. What would change the numbers and is not supported is refused by
 * name. Plain checks, because this ships to pages.
 *
 * @param json the parsed file
 * @param file what errors call it
 */
export function parsePreprocessing(json: unknown, file: string): Preprocessing {
  if (!isRecord(json)) {
    throw new CqError(
      `${file}: a JSON object is expected, got ${show(json)}; use the model's preprocessor_config.json`,
    );
  }
  const fields = { file, json };
  const processor = processorOf(fields);
  refuseUnsupported(fields);

  const resize = flag(fields, 'do_resize', true) && {
    ...sizeOf(fields, processor.square),
    filter: filterOf(fields, processor.filter),
  };
  const crop = flag(fields, 'do_center_crop', processor.crop) && cropOf(fields);
  const rescale = flag(fields, 'do_rescale', true) ? positive(fields, 'rescale_factor', 1 / 255) : 1;
  const normalize = flag(fields, 'do_normalize', true);
  const mean = normalize ? perChannel(fields, 'image_mean') : [0, 0, 0];
  const std = normalize ? perChannel(fields, 'image_std') : [1, 1, 1];

  if (mean.length !== std.length) {
    reject(fields, 'image_std', `must have as many numbers as image_mean (${mean.length})`);
  }
  if (std.includes(0)) reject(fields, 'image_std', 'must not be zero');
  if (mean.length === 1 && json['do_convert_rgb'] === true) {
    reject(fields, 'do_convert_rgb', 'contradicts image_mean, which has one channel', 'set it to false');
  }
  return {
    channels: mean.length === 1 ? 1 : 3,
    ...(resize && { resize }),
    ...(crop && { crop }),
    rescale,
    mean,
    std,
  };
}

/** A parsed file and its name. */
interface Fields {
  readonly file: string;
  readonly json: Readonly<Record<string, unknown>>;
}

interface Processor {
  /** Whether a bare number as `size` is both edges, or the shortest edge. */
  readonly square: boolean;
  /** Default of `do_center_crop`. */
  readonly crop: boolean;
  /** Default of `resample`. */
  readonly filter?: Filter;
}

/** The processors that do resize, centre crop, rescale and normalize and nothing else, with what they leave unsaid. */
const processors: Readonly<Record<string, Processor>> = {
  ViT: { square: true, crop: false, filter: 'bilinear' },
  DeiT: { square: true, crop: true, filter: 'bicubic' },
  Beit: { square: true, crop: true, filter: 'bicubic' },
  Siglip: { square: true, crop: false, filter: 'bicubic' },
  CLIP: { square: false, crop: true, filter: 'bicubic' },
  Bit: { square: false, crop: true, filter: 'bicubic' },
};

/** By Pillow's integer. */
const filters: readonly Filter[] = ['nearest', 'lanczos', 'bilinear', 'bicubic'];

const supported = [
  ...['do_resize', 'size', 'resample', 'do_center_crop', 'crop_size', 'do_rescale', 'rescale_factor'],
  ...['do_normalize', 'image_mean', 'image_std'],
];

/** Fields that do not change the numbers; images are always converted to RGB. */
const harmless = [
  ...['image_processor_type', 'feature_extractor_type', 'processor_class', '_processor_class', '_valid_processor_keys'],
  ...['do_convert_rgb', 'default_to_square', 'return_tensors', 'device', 'disable_grouping', 'model_input_names'],
];

function processorOf(fields: Fields): Processor {
  const field = 'image_processor_type' in fields.json ? 'image_processor_type' : 'feature_extractor_type';
  const type = fields.json[field];
  if (type === undefined || type === null) return { square: true, crop: false };
  const name = typeof type === 'string' ? type.replace(/(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/, '') : '';
  if (!Object.hasOwn(processors, name)) {
    const known = Object.keys(processors).join(', ');
    const remedy = `the image processors of ${known} are; if this one only resizes, crops, rescales and normalizes, remove the field`;
    reject(fields, field, 'is not supported', remedy);
  }
  return processors[name]!;
}

/** Anything neither known nor switched off. */
function refuseUnsupported(fields: Fields): void {
  for (const [field, value] of Object.entries(fields.json)) {
    if (supported.includes(field) || harmless.includes(field) || value === null || value === false) continue;
    if (/^(input_)?data_format$/.test(field) && value === 'channels_first') continue;
    reject(fields, field, 'is not supported', 'remove it if the model was trained without it');
  }
}

function sizeOf(fields: Fields, square: boolean): { height: number; width: number } | { shortestEdge: number } {
  const size = fields.json['size'];
  if (isEdge(size)) {
    return (fields.json['default_to_square'] ?? square) ? { height: size, width: size } : { shortestEdge: size };
  }
  if (hasEdges(size, ['height', 'width'])) return { height: size['height']!, width: size['width']! };
  if (hasEdges(size, ['shortest_edge'])) return { shortestEdge: size['shortest_edge']! };
  return reject(fields, 'size', `must be {height, width}, {shortest_edge} or a number, in pixels ${edgeRange}`);
}

function cropOf(fields: Fields): { height: number; width: number } {
  const size = fields.json['crop_size'];
  if (isEdge(size)) return { height: size, width: size };
  if (hasEdges(size, ['height', 'width'])) return { height: size['height']!, width: size['width']! };
  return reject(fields, 'crop_size', `must be {height, width} or a number, in pixels ${edgeRange}`);
}

function filterOf(fields: Fields, byDefault: Filter | undefined): Filter {
  const resample = fields.json['resample'];
  if ((resample === undefined || resample === null) && byDefault) return byDefault;
  const filter = typeof resample === 'number' ? filters[resample] : undefined;
  return filter ?? reject(fields, 'resample', 'must be 0 (nearest), 1 (lanczos), 2 (bilinear) or 3 (bicubic)');
}

function flag(fields: Fields, field: string, byDefault: boolean): boolean {
  const value = fields.json[field] ?? byDefault;
  return typeof value === 'boolean' ? value : reject(fields, field, 'must be true or false');
}

function positive(fields: Fields, field: string, byDefault: number): number {
  const value = fields.json[field] ?? byDefault;
  return isFinite(value) && value > 0 ? value : reject(fields, field, 'must be a number above 0');
}

/** One number for all of RGB, or a list of three, or of one for greyscale. */
function perChannel(fields: Fields, field: string): readonly number[] {
  const value = fields.json[field];
  if (isFinite(value)) return [value, value, value];
  if (Array.isArray(value) && (value.length === 3 || value.length === 1) && value.every(isFinite)) return [...value];
  return reject(fields, field, 'must be a number, or a list of 3 (RGB) or of 1 (greyscale)');
}

const largestEdge = 16_384;
const edgeRange = `from 1 to ${largestEdge}`;

function isEdge(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= largestEdge;
}

/** Exactly these edges: another, such as `longest_edge`, would change the size. */
function hasEdges(size: unknown, edges: readonly string[]): size is Record<string, number> {
  return isRecord(size) && Object.keys(size).length === edges.length && edges.every((edge) => isEdge(size[edge]));
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function reject({ file, json }: Fields, field: string, rule: string, remedy = 'correct it'): never {
  throw new CqError(`${file}: "${field}" ${rule}, got ${show(json[field])}; ${remedy}`);
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
