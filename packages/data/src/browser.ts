export { resizeImage, type Filter, type RgbImage } from './resize.ts';
export { parsePreprocessing, type Preprocessing } from './preprocessing.ts';
export { preprocessedSize, preprocessImage } from './preprocess-image.ts';
export { imageFromBlob } from './image-from-blob.ts';
