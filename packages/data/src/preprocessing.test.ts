import { CqError } from '@cq/core';
import { parsePreprocessing } from './preprocessing.ts';

const vit = {
  image_processor_type: 'ViTImageProcessor',
  size: { height: 224, width: 224 },
  resample: 3,
  image_mean: [0.485, 0.456, 0.406],
  image_std: [0.229, 0.224, 0.225],
};

test('the record is plain JSON in our own names', () => {
  const preprocessing = parsePreprocessing({ ...vit, do_center_crop: true, crop_size: 200 }, 'f');
  expect(JSON.parse(JSON.stringify(preprocessing))).toEqual({
    channels: 3,
    resize: { height: 224, width: 224, filter: 'bicubic' },
    crop: { height: 200, width: 200 },
    rescale: 1 / 255,
    mean: vit.image_mean,
    std: vit.image_std,
  });
});

test.each([
  ['DeiTImageProcessor', { height: 9, width: 9 }],
  ['CLIPImageProcessorFast', { shortestEdge: 9 }],
])('a size that is one number means what it means to %s', (type, size) => {
  const config = { ...vit, image_processor_type: type, size: 9, do_center_crop: false };
  expect(parsePreprocessing(config, 'f').resize).toEqual({ ...size, filter: 'bicubic' });
});

test('what is switched off or does not change the numbers is allowed', () => {
  const config = { ...vit, do_pad: false, pad_size: null, do_convert_rgb: false, data_format: 'channels_first' };
  expect(parsePreprocessing(config, 'f')).toEqual(parsePreprocessing(vit, 'f'));
});

test.each([
  [{ do_pad: true }, 'f: "do_pad" is not supported, got true; remove it if the model was trained without it'],
  [{ crop_pct: 0.9 }, '"crop_pct" is not supported, got 0.9'],
  [{ do_flip_channel_order: true }, '"do_flip_channel_order" is not supported, got true'],
  [{ data_format: 'channels_last' }, '"data_format" is not supported, got "channels_last"'],
  [
    { image_processor_type: 'LevitImageProcessor' },
    '"image_processor_type" is not supported, got "LevitImageProcessor"',
  ],
  [{ image_processor_type: 'constructor' }, '"image_processor_type" is not supported, got "constructor"'],
  [{ size: { shortest_edge: 224, longest_edge: 300 } }, '"size" must be {height, width}, {shortest_edge} or a number'],
  [{ size: 0 }, 'in pixels from 1 to 16384, got 0'],
  [
    { size: undefined },
    '"size" must be {height, width}, {shortest_edge} or a number, in pixels from 1 to 16384, got nothing',
  ],
  [{ do_center_crop: true }, '"crop_size" must be {height, width} or a number, in pixels from 1 to 16384, got nothing'],
  [{ resample: 5 }, '"resample" must be 0 (nearest), 1 (lanczos), 2 (bilinear) or 3 (bicubic), got 5'],
  [{ do_resize: 'yes' }, '"do_resize" must be true or false, got "yes"'],
  [{ rescale_factor: 0 }, '"rescale_factor" must be a number above 0, got 0'],
  [
    { image_mean: [0.5, 0.5] },
    '"image_mean" must be a number, or a list of 3 (RGB) or of 1 (greyscale), got [0.5,0.5]',
  ],
  [{ image_mean: [0.5] }, '"image_std" must have as many numbers as image_mean (1), got [0.229,0.224,0.225]'],
  [{ image_std: [1, 0, 1] }, '"image_std" must not be zero, got [1,0,1]'],
  [{ image_mean: [0.5], image_std: [0.5], do_convert_rgb: true }, '"do_convert_rgb" contradicts image_mean'],
])('%j is refused by name', (change, message) => {
  const parse = () => parsePreprocessing({ ...vit, ...change }, 'f');
  expect(parse).toThrow(CqError);
  expect(parse).toThrow(message);
});

test('a file that holds no object is refused', () => {
  expect(() => parsePreprocessing([1], 'f')).toThrow("f: a JSON object is expected, got [1]; use the model's");
});
