import type { Preprocessing } from './preprocessing.ts';
import { resizeImage, type RgbImage } from './resize.ts';

/** The model's input for one image: `[channels, height, width]`, channels first, of the size `preprocessedSize` gives. */
export function preprocessImage(image: RgbImage, preprocessing: Preprocessing): Float32Array {
  const { channels, resize, crop } = preprocessing;
  // Greyscale before resizing, as a decoder that was asked for greyscale would give it.
  let pixels = channels === 1 ? greyscale(image) : image;
  if (resize) {
    const { height, width } = resizedSize(image, preprocessing);
    pixels = resizeImage(pixels, width, height, resize.filter);
  }
  if (crop) pixels = centerCrop(pixels, crop.height, crop.width);

  const plane = pixels.height * pixels.width;
  const output = new Float32Array(channels * plane);
  for (let channel = 0; channel < channels; channel++) {
    const values = channelValues(preprocessing, channel);
    for (let i = 0; i < plane; i++) output[channel * plane + i] = values[pixels.data[i * 3 + channel]!]!;
  }
  return output;
}

/** Height and width of what `preprocessImage` gives for an image of this size. */
export function preprocessedSize(
  image: { readonly height: number; readonly width: number },
  preprocessing: Preprocessing,
): { height: number; width: number } {
  const { height, width } = preprocessing.crop ?? resizedSize(image, preprocessing);
  return { height, width };
}

/** Shortest edge exact, the other one truncated: the rounding of transformers and torchvision. */
function resizedSize(
  { height, width }: { readonly height: number; readonly width: number },
  { resize }: Preprocessing,
): { height: number; width: number } {
  if (!resize) return { height, width };
  if (!('shortestEdge' in resize)) return { height: resize.height, width: resize.width };
  const { shortestEdge } = resize;
  return width <= height
    ? { height: Math.trunc((shortestEdge * height) / width), width: shortestEdge }
    : { height: shortestEdge, width: Math.trunc((shortestEdge * width) / height) };
}

/** What each of the 256 pixel values becomes, rounded to float32 at the steps at which transformers rounds. */
function channelValues({ rescale, mean, std }: Preprocessing, channel: number): Float32Array {
  const { fround } = Math;
  const center = fround(mean[channel]!);
  const spread = fround(std[channel]!);
  return Float32Array.from({ length: 256 }, (_, pixel) => fround(fround(pixel * rescale) - center) / spread);
}

/** Where a margin is odd, the extra pixel is cut at the bottom right, or padded at the top left. */
function centerCrop(image: RgbImage, height: number, width: number): RgbImage {
  const top = cropOffset(image.height, height);
  const left = cropOffset(image.width, width);
  const data = new Uint8ClampedArray(height * width * 3);
  const firstColumn = Math.max(left, 0);
  const endColumn = Math.min(left + width, image.width);
  for (let y = Math.max(top, 0); y < Math.min(top + height, image.height); y++) {
    const row = image.data.subarray((y * image.width + firstColumn) * 3, (y * image.width + endColumn) * 3);
    data.set(row, ((y - top) * width + firstColumn - left) * 3);
  }
  return { width, height, data };
}

/** Where the crop begins in the image, negative if that is smaller; transformers pads and then cuts with these roundings. */
function cropOffset(size: number, cropped: number): number {
  return size >= cropped ? Math.floor((size - cropped) / 2) : -Math.ceil((cropped - size) / 2);
}

/** ITU-R 601 luma in 16-bit fixed point, as Pillow's mode `L`; the same value in all three channels. */
function greyscale({ width, height, data }: RgbImage): RgbImage {
  const grey = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const luma = (data[i]! * 19595 + data[i + 1]! * 38470 + data[i + 2]! * 7471 + 0x8000) >> 16;
    grey[i] = luma;
    grey[i + 1] = luma;
    grey[i + 2] = luma;
  }
  return { width, height, data: grey };
}
