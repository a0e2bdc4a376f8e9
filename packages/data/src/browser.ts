export { resizeImage, type Filter, type RgbImage } from './resize.ts';
export { parsePreprocessing, type Preprocessing } from './preprocessing.ts';
export { preprocessedSize, preprocessImage } from './preprocess-image.ts';
export { imageFromBlob } from './image-from-blob.ts';
export { imageFromCanvas } from './image-from-canvas.ts';
export { rgbFromRgba } from './rgb-from-rgba.ts';
export { parseTokenizer, tokenizerFiles, type Tokenizer, type TokenizerFiles } from './tokenizer.ts';
export { textInputs, type TextInputs, type TextInputsOptions } from './text-inputs.ts';
