/** The files of one model, wherever they lie: in a folder on disk, or among what was dropped on a page. */
export interface ModelFiles {
  /** What errors call the file of this name. */
  pathOf(name: string): string;
  has(name: string): boolean;
  /** The whole of a text file, or undefined if there is no such file. */
  text(name: string): Promise<string | undefined>;
  /** @throws CqError if there is no such file, or it cannot be read. */
  open(name: string): Promise<OpenFile>;
}

/** A file of which parts are read, so that the whole of it is never in memory. */
export interface OpenFile {
  /** In bytes. */
  readonly size: number;
  read(position: number, length: number): Promise<ArrayBuffer>;
  close(): Promise<void>;
}
