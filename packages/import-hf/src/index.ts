export { importHuggingFace } from './import-hf.ts';
export { readSafetensors, writeSafetensors, type Safetensors, type Tensor } from './safetensors.ts';
