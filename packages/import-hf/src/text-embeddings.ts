import { integers, layerNorm, type Draft } from './draft.ts';
import type { TextFields } from './text-fields.ts';

/**
 * Which row of the position table a token gets: `in-order` row 0, 1, …; `after-padding` the row of padding for padding,
 * and behind it one row after the other for the other tokens (RoBERTa).
 */
export type Positions = 'in-order' | 'after-padding';

/** norm(word + type + position): int32 [batch, tokens] → float32 [batch, tokens, hidden] */
export function textEmbeddings(
  draft: Draft,
  prefix: string,
  ids: string,
  config: TextFields,
  positions: Positions,
): string {
  const { graph, checkpoint } = draft;
  const { hidden_size: hidden, type_vocab_size: types } = config;
  const from = `${prefix}embeddings`;
  const table = (name: string, rows: number): string =>
    graph.weight(`${from}.${name}.weight`, [rows, hidden], checkpoint.take(`${from}.${name}.weight`, [rows, hidden]));
  const add = (name: string, x: string, y: string): string => graph.node(`embeddings/${name}/AddV2`, 'AddV2', [x, y]);

  let sum = lookup(draft, 'embeddings/word_embeddings', table('word_embeddings', config.vocab_size), ids);
  if (types > 1) {
    const typeIds = graph.input('token_type_ids', 'int32', [-1, -1]);
    const at = 'embeddings/token_type_embeddings';
    sum = add('token_type_embeddings', sum, lookup(draft, at, table('token_type_embeddings', types), typeIds));
  }
  const place = positionTable(draft, from, config);
  const placed = positions === 'in-order' ? firstRows(draft, place, ids) : afterPadding(draft, place, ids, config);
  sum = add('position_embeddings', sum, placed);
  return layerNorm(draft, 'embeddings/LayerNorm', `${from}.LayerNorm`, sum, hidden, config.layer_norm_eps);
}

function lookup(draft: Draft, at: string, table: string, ids: string): string {
  const axis = integers(draft, `${at}/GatherV2/axis`, [0], []);
  return draft.graph.node(`${at}/GatherV2`, 'GatherV2', [table, ids, axis], { batch_dims: 0 });
}

/** [positions, hidden]. Where all tokens have the same type, its row is part of every position. */
function positionTable({ graph, checkpoint }: Draft, from: string, config: TextFields): string {
  const shape = [config.max_position_embeddings, config.hidden_size];
  const name = `${from}.position_embeddings.weight`;
  const rows = checkpoint.take(name, shape);
  if (config.type_vocab_size !== 1) return graph.weight(name, shape, rows);
  const type = checkpoint.take(`${from}.token_type_embeddings.weight`, [1, config.hidden_size]);
  const sums = rows.map((value, i) => value + type[i % type.length]!);
  return graph.weight(name, shape, sums);
}

/** As many rows as there are tokens: [tokens, hidden] */
function firstRows(draft: Draft, table: string, ids: string): string {
  const { graph } = draft;
  const at = 'embeddings/position_embeddings';
  const shape = graph.node(`${at}/Shape`, 'Shape', [ids]);
  const bounds = [1, 2, 1].map((value, i) => integers(draft, `${at}/${['begin', 'end', 'strides'][i]}`, [value]));
  const tokens = graph.node(`${at}/StridedSlice`, 'StridedSlice', [shape, ...bounds], { shrink_axis_mask: 1 });
  const size = graph.node(`${at}/Pack`, 'Pack', [tokens, integers(draft, `${at}/hidden`, [-1], [])], { axis: 0 });
  return graph.node(`${at}/Slice`, 'Slice', [table, integers(draft, `${at}/Slice/begin`, [0, 0]), size]);
}

/** Row padding + (number of tokens up to here that are no padding) · (0 for padding, else 1): [batch, tokens, hidden] */
function afterPadding(draft: Draft, table: string, ids: string, { pad_token_id: padding }: TextFields): string {
  const { graph } = draft;
  const at = 'embeddings/position_embeddings';
  const pad = integers(draft, `${at}/padding`, [padding], []);
  const differs = graph.node(`${at}/NotEqual`, 'NotEqual', [ids, pad]);
  const counts = graph.node(`${at}/Cast`, 'Cast', [differs], {
    SrcT: { type: 'DT_BOOL' },
    DstT: { type: 'DT_INT32' },
  });
  const order = graph.node(`${at}/Cumsum`, 'Cumsum', [counts, integers(draft, `${at}/axis`, [1], [])], {
    exclusive: false,
    reverse: false,
  });
  const counted = graph.node(`${at}/Mul`, 'Mul', [order, counts]);
  return lookup(draft, at, table, graph.node(`${at}/ids`, 'AddV2', [counted, pad]));
}
