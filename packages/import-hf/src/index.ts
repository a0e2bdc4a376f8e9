export { importHuggingFace } from './import-hf.ts';
export { downloadCheckpoint, type DownloadOptions, type DownloadProgress } from './download.ts';
export { readSafetensors, writeSafetensors, type Safetensors, type Tensor } from './safetensors.ts';
