export { importHuggingFace } from './import-hf.ts';
export { downloadCheckpoint, type DownloadOptions, type DownloadProgress } from './download.ts';
export { readSafetensors } from './read-safetensors.ts';
export { writeSafetensors, type Safetensors, type Tensor } from './safetensors.ts';
