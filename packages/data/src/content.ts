import { createHash } from 'node:crypto';

/** 64 bits of the SHA-256 of an image's file, as 16 hex digits. */
export const imageDigest = (file: Uint8Array): string => sha256(file);

/** The same of a text, in which the kind and number of spaces does not count, nor the way its letters are composed. */
export const textDigest = (text: string): string => sha256(text.normalize('NFC').trim().replace(/\s+/gu, ' '));

const sha256 = (content: Uint8Array | string): string =>
  createHash('sha256').update(content).digest('hex').slice(0, 16);
