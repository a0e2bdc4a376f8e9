import type { Graph } from '@cq/core';

/**
 * 32 bits that two different models hardly share: FNV-1a over nodes and weights, byte by byte. Reports and fingerprints
 * of runs name a teacher by it.
 */
export function digestOf({ nodes, weights }: Graph): string {
  const { imul } = Math;
  let hash = 0x811c9dc5;
  const add = (bytes: Uint8Array): void => {
    for (let i = 0; i < bytes.length; i++) hash = imul(hash ^ bytes[i]!, 0x01000193);
  };
  add(new TextEncoder().encode(JSON.stringify([...nodes.values()])));
  for (const { name, data } of weights.values()) {
    add(new TextEncoder().encode(name));
    add(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
