import type { Tensors } from './fixture.ts';

export interface SwinConfig {
  readonly image_size: readonly [number, number];
  readonly patch_size: number;
  readonly embed_dim: number;
  readonly depths: readonly number[];
  readonly num_heads: readonly number[];
  readonly window_size: number;
  readonly layer_norm_eps: number;
}

type Row = readonly number[];

/** A picture of tokens; beyond its borders lie zeros. */
interface Picture {
  readonly height: number;
  readonly width: number;
  readonly at: (row: number, column: number) => Row | undefined;
}

/** Swin by its definition, one image, token by token in doubles: [labels] */
export function swinReference(config: SwinConfig, tensors: Tensors, pixels: Float32Array, channels: number): Row {
  const data = (name: string): ArrayLike<number> => tensors.get(name)!.data;

  function linear(x: Row, name: string): Row {
    const [weight, bias] = [data(`${name}.weight`), tensors.get(`${name}.bias`)?.data];
    return Array.from({ length: weight.length / x.length }, (_, n) =>
      x.reduce((sum, value, k) => sum + value * weight[n * x.length + k]!, bias?.[n] ?? 0),
    );
  }
  function norm(x: Row, name: string, epsilon: number): Row {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    const [gamma, beta] = [data(`${name}.weight`), data(`${name}.bias`)];
    return x.map((value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * gamma[i]! + beta[i]!);
  }

  /** Window by window over the shifted picture, as a map from tokens to what the block adds to them. */
  function windowAttention(picture: Picture, from: string, heads: number, shift: number, size: number) {
    const { window_size: side } = config;
    const [tall, wide] = [Math.ceil(picture.height / side) * side, Math.ceil(picture.width / side) * side];
    const parts = (length: number): Row =>
      // painted over each other, like slices of an array
      Array.from({ length }, (_, i) => (i >= length - shift ? 2 : i >= length - side ? 1 : 0));
    const [rowParts, columnParts] = [parts(tall), parts(wide)];
    const zeros: Row = Array<number>(size).fill(0);
    const table = data(`${from}.attention.self.relative_position_bias_table`);
    const added = new Map<string, Row>();
    for (let top = 0; top < tall; top += side) {
      for (let left = 0; left < wide; left += side) {
        const tokens = Array.from({ length: side * side }, (_, i) => {
          const [row, column] = [top + Math.floor(i / side), left + (i % side)];
          const place = [(row + shift) % tall, (column + shift) % wide] as const;
          const x = picture.at(...place) ?? zeros;
          const [q, k, v] = ['query', 'key', 'value'].map((role) => linear(x, `${from}.attention.self.${role}`));
          return { row, column, place, q: q!, k: k!, v: v! };
        });
        for (const query of tokens) {
          const context: number[] = [];
          for (let head = 0; head < heads; head++) {
            const depth = size / heads;
            const logits = tokens.map((key) => {
              let logit = 0;
              for (let i = head * depth; i < (head + 1) * depth; i++) logit += query.q[i]! * key.k[i]!;
              const step = (query.row - key.row + side - 1) * (2 * side - 1) + query.column - key.column + side - 1;
              const together =
                shift === 0 ||
                (rowParts[query.row] === rowParts[key.row] && columnParts[query.column] === columnParts[key.column]);
              return logit / Math.sqrt(depth) + table[step * heads + head]! + (together ? 0 : -100);
            });
            const largest = Math.max(...logits);
            const exponentials = logits.map((logit) => Math.exp(logit - largest));
            const total = exponentials.reduce((sum, value) => sum + value, 0);
            for (let i = head * depth; i < (head + 1) * depth; i++) {
              context.push(tokens.reduce((sum, { v }, t) => sum + (exponentials[t]! / total) * v[i]!, 0));
            }
          }
          added.set(String(query.place), linear(context, `${from}.attention.output.dense`));
        }
      }
    }
    return (row: number, column: number): Row => added.get(`${row},${column}`)!;
  }

  function mapped({ height, width, at }: Picture, change: (x: Row, row: number, column: number) => Row): Picture {
    const rows = Array.from({ length: height }, (_, row) =>
      Array.from({ length: width }, (_, column) => change(at(row, column)!, row, column)),
    );
    return { height, width, at: (row, column) => rows[row]?.[column] };
  }

  const { patch_size: patch, layer_norm_eps: epsilon } = config;
  const [high, broad] = config.image_size;
  const [rows, columns] = [Math.ceil(high / patch), Math.ceil(broad / patch)];
  const positions = tensors.get('swin.embeddings.position_embeddings')?.data;
  let x: Picture = mapped({ height: rows, width: columns, at: () => [] }, (_, row, column) => {
    const values: number[] = [];
    for (let channel = 0; channel < channels; channel++) {
      for (let y = row * patch; y < (row + 1) * patch; y++) {
        for (let z = column * patch; z < (column + 1) * patch; z++) {
          values.push(y < high && z < broad ? pixels[(channel * high + y) * broad + z]! : 0);
        }
      }
    }
    const projected = linear(values, 'swin.embeddings.patch_embeddings.projection');
    return norm(projected, 'swin.embeddings.norm', 1e-5).map(
      (value, i) => value + (positions?.[(row * columns + column) * config.embed_dim + i] ?? 0),
    );
  });
  config.depths.forEach((depth, stage) => {
    const size = config.embed_dim * 2 ** stage;
    for (let block = 0; block < depth; block++) {
      const from = `swin.encoder.layers.${stage}.blocks.${block}`;
      const whole = Math.min(x.height, x.width) <= config.window_size;
      const shift = block % 2 === 0 || whole ? 0 : Math.floor(config.window_size / 2);
      const normalized = mapped(x, (value) => norm(value, `${from}.layernorm_before`, epsilon));
      const branch = windowAttention(normalized, from, config.num_heads[stage]!, shift, size);
      x = mapped(x, (value, row, column) => {
        const residual = branch(row, column).map((sum, i) => sum + value[i]!);
        const up = linear(norm(residual, `${from}.layernorm_after`, epsilon), `${from}.intermediate.dense`);
        return linear(up.map(gelu), `${from}.output.dense`).map((sum, i) => sum + residual[i]!);
      });
    }
    if (stage < config.depths.length - 1) {
      const from = `swin.encoder.layers.${stage}.downsample`;
      const fine = x;
      const zeros: Row = Array<number>(size).fill(0);
      const half = { height: Math.ceil(fine.height / 2), width: Math.ceil(fine.width / 2), at: () => [] };
      x = mapped(half, (_, row, column) => {
        const corners = [[0, 0], [1, 0], [0, 1], [1, 1]] as const; // prettier-ignore
        const joined = corners.flatMap(([down, right]) => fine.at(2 * row + down, 2 * column + right) ?? zeros);
        return linear(norm(joined, `${from}.norm`, 1e-5), `${from}.reduction`);
      });
    }
  });
  const state = mapped(x, (value) => norm(value, 'swin.layernorm', epsilon));
  const sums = Array<number>(state.at(0, 0)!.length).fill(0);
  mapped(state, (value) => {
    value.forEach((each, i) => (sums[i]! += each / (state.height * state.width)));
    return value;
  });
  return linear(sums, 'classifier');
}

/** x Φ(x), with erf by its series, which converges for the sizes that occur here. */
function gelu(x: number): number {
  const z = x / Math.SQRT2;
  let [term, sum] = [z, z];
  for (let n = 1; n < 80; n++) {
    term *= (-z * z) / n;
    sum += term / (2 * n + 1);
  }
  return 0.5 * x * (1 + (2 / Math.sqrt(Math.PI)) * sum);
}
