/** A tensor outside TensorFlow.js: its values row-major in a typed array, so that nothing has to be disposed. */
export interface ArrayTensor {
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Some examples, stacked along axis 0 of every input. */
export interface Batch {
  /** Input name of the model → `[batch, …]`. */
  readonly inputs: Readonly<Record<string, ArrayTensor>>;
  /** One class index per example, where the data has labels. */
  readonly labels?: readonly number[];
  /** Which examples these are, where a dataset does not keep the order (text is batched by length). */
  readonly indices?: readonly number[];
}

/** A source of examples that can be read as often as a pass needs; it holds one batch in memory at a time. */
export interface Dataset {
  /** What its errors and the report call it, such as the folder it reads. */
  readonly name: string;
  /** Number of examples. */
  readonly size: number;
  /**
   * The examples at `indices` (default: all), `batchSize` at a time; the last batch may be smaller. In this order, unless
   * the batches name their `indices`; the same order every time.
   */
  batches(batchSize: number, indices?: readonly number[]): AsyncIterable<Batch>;
  /**
   * Which image or text each example at `indices` (default: all) is, in this order, whatever a model makes of it; absent
   * where the source cannot tell.
   */
  contents?(indices?: readonly number[]): AsyncIterable<Content>;
}

/** Which image or text an example is. */
export interface Content {
  /** 64 bits of a SHA-256 as 16 hex digits: equal for equal contents. */
  readonly digest: string;
  /** Where people find it: a file, or a line of one. */
  readonly place: string;
  /** Of texts. */
  readonly text?: string;
}
