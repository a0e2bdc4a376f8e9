import { openFile } from './file-on-disk.ts';
import { parseSafetensors, type Safetensors } from './safetensors.ts';

/**
 * The tensors of a safetensors file on disk.
 * @throws CqError that names the file, the tensor and the numbers.
 */
export async function readSafetensors(file: string): Promise<Safetensors> {
  const opened = await openFile(file);
  try {
    return await parseSafetensors(file, opened);
  } finally {
    await opened.close();
  }
}
