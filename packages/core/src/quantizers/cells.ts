import { greaterEqual, lessEqual, logicalAnd, tensor, type Tensor } from '@tensorflow/tfjs-core';
import { cellOf } from '../runtime/cell.ts';
import type { Form, QuantizerRow, Scaled } from './row.ts';

/**
 * A quantizer by table, in units of its scale: a value lies in cell i if boundaries[i − 1] <= v < boundaries[i], and
 * stands for levels[i] then. Both ascend. 2^bits levels, and one boundary fewer.
 */
export interface Cells {
  readonly levels: Float32Array;
  readonly boundaries: Float32Array;
}

/** Whether codes count the cells from the lowest level on or from the highest. */
type Order = 'ascending' | 'descending';

type Arithmetic = 'encoder' | 'decoder' | 'round' | 'inside' | 'cells';

/** The arithmetic of a kind whose quantizers are cells. */
export function cellArithmetic<Q extends Scaled>(
  cellsOf: (form: Form<Q>) => Cells,
  order: Order,
): Pick<QuantizerRow<Q>, Arithmetic> {
  const { fround } = Math;
  const flipped = (place: number, { levels }: Cells): number =>
    order === 'descending' ? levels.length - 1 - place : place;
  return {
    cells: cellsOf,
    encoder(quantizer, index) {
      const cells = cellsOf(quantizer);
      const scale = quantizer.scale[index]!;
      return (x) => {
        const v = fround(x / scale);
        return flipped(cellOf(cells.boundaries, v === v ? v : 0), cells);
      };
    },
    decoder(quantizer, index) {
      const cells = cellsOf(quantizer);
      const scale = quantizer.scale[index]!;
      return (code) => fround(cells.levels[flipped(code, cells)]! * scale);
    },
    round(v, form) {
      return levelTensor(v, cellsOf(form));
    },
    inside(v, form) {
      const { levels } = cellsOf(form);
      return logicalAnd(greaterEqual(v, levels[0]!), lessEqual(v, levels.at(-1)!));
    },
  };
}

/** The level of every entry. In one loop outside of TensorFlow.js, which has no search: gathers take seventeen times longer. */
function levelTensor(v: Tensor, { levels, boundaries }: Cells): Tensor {
  const values = v.dataSync<'float32'>();
  const found = new Float32Array(values.length);
  for (let i = 0; i < found.length; i++) found[i] = levels[cellOf(boundaries, values[i]!)]!;
  return tensor(found, v.shape);
}
