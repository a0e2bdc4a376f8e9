export { resizeImage, type Filter, type RgbImage } from './resize.ts';
export { parsePreprocessing, type Preprocessing } from './preprocessing.ts';
export { preprocessedSize, preprocessImage } from './preprocess-image.ts';
export { decodeImage } from './decode-image.ts';
export { imageFolder, type ImageFolderOptions } from './image-folder.ts';
export { parseTokenizer, type Tokenizer, type TokenizerFiles } from './tokenizer.ts';
export { loadTokenizer, tokenizerFiles } from './load-tokenizer.ts';
export { textCsv, type TextCsvOptions } from './text-csv.ts';
export { sample } from './sample.ts';
