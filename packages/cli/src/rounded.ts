/** To five digits, enough for a plot and short in a file. */
export const rounded = (value: number): number => Number(value.toPrecision(5));
