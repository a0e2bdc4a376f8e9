/** What the page and its worker say to each other. The page never blocks: all that takes long happens in the worker. */
export type BackendName = 'wasm' | 'webgl' | 'webgpu';

/** Chosen or dropped files by their path, without the folder they have in common. */
export type GivenFiles = ReadonlyMap<string, Blob>;

export interface Given {
  readonly name: string;
  readonly files: GivenFiles;
}

export interface ModelInfo {
  readonly name: string;
  readonly task: string;
  /** What people can give it. */
  readonly reads: 'digits' | 'images' | 'texts' | 'nothing';
  /** One line per input, with its shape. */
  readonly inputs: readonly string[];
  readonly parameters: number;
  readonly bytes: number;
  readonly classes: number;
  /** Whether its ops are integers already: it is not compressed again, but measured against the floats of its codes. */
  readonly compressed: boolean;
}

export interface DataInfo {
  readonly name: string;
  readonly size: number;
  readonly labelled: boolean;
}

export interface PassChoice {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface Progress {
  /** Share of the whole, from 0 to 1. */
  readonly share: number;
  readonly what: string;
}

/** What one of both models does on the examples that calibration has not seen. */
export interface Measured {
  readonly bytes: number;
  /** Absent without labels. */
  readonly correct?: number;
  /** Median milliseconds of one example. */
  readonly milliseconds: number;
  /** Of all outputs in order: equal hashes, equal bits. */
  readonly logitsSha256: string;
}

export interface Comparison {
  readonly backend: BackendName;
  readonly count: number;
  readonly float: Measured;
  readonly compressed: Measured;
  /** Share of examples with the same answer. */
  readonly agreement: number;
}

export interface ValueLine {
  readonly value: string;
  readonly pass: string;
  readonly found: string;
}

export interface Outcome {
  readonly comparison: Comparison;
  readonly seconds: number;
  readonly values: readonly ValueLine[];
  /** Values that stay in float, with the reason. */
  readonly left: readonly ValueLine[];
}

export interface Answer {
  readonly label: string;
  /** Of 1. */
  readonly share: number;
}

export interface Answers {
  readonly float: readonly Answer[];
  readonly compressed: readonly Answer[];
}

/** Pixels as a canvas gives them. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

export interface CompressRequest {
  readonly passes: readonly PassChoice[];
  /** Examples that calibrate. */
  readonly samples: number;
  /** Examples behind them that both models are compared on, at most. */
  readonly compared: number;
  readonly seed: number;
}

/** All that the worker can be asked for. */
export interface Commands {
  openDigits(): Promise<{ readonly model: ModelInfo; readonly data: DataInfo }>;
  openModel(given: Given): Promise<ModelInfo>;
  openData(given: Given): Promise<DataInfo>;
  compress(request: CompressRequest): Promise<Outcome>;
  compare(backend: BackendName, limit: number): Promise<Comparison>;
  classify(input: Pixels | Blob | string, backend: BackendName): Promise<Answers>;
  /** Pixels of an example that calibration has not seen, 28 × 28 bytes. */
  sampleDigit(index: number): Promise<Uint8Array>;
  zip(): Promise<Uint8Array>;
}

export interface Request {
  readonly id: number;
  readonly command: keyof Commands;
  readonly parameters: readonly unknown[];
}

export type Response =
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };
