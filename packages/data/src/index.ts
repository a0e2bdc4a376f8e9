export { resizeImage, type Filter, type RgbImage } from './resize.ts';
export { parsePreprocessing, type Preprocessing } from './preprocessing.ts';
export { preprocessedSize, preprocessImage } from './preprocess-image.ts';
export { decodeImage } from './decode-image.ts';
export { imageFolder, type ImageFolderOptions } from './image-folder.ts';
export { sample } from './sample.ts';
