/** Why a bar is not met: lists of reasons, in sentences made of what was measured. */

const ms = (value) => `${value.toFixed(1)} ms`;
const gmacs = (multiplications, milliseconds) => `${(multiplications / milliseconds / 1e6).toFixed(1)} GMAC/s`;
const times = (ratio) => `${ratio.toFixed(2)}×`;

const PEAK = 'int16 dot + add';
const rowOf = ({ rows }, id) => rows.find((row) => row.id === id && !row.error);

/** Multiplications and best milliseconds of an inference, of all kernels or of those of one name. */
function sumOf({ rows }, name) {
  const chosen = rows.filter(({ kernel }) => name === undefined || kernel === name);
  return {
    multiplications: chosen.reduce((sum, { count, multiplications = 0 }) => sum + count * multiplications, 0),
    milliseconds: chosen.reduce((sum, { count, best }) => sum + count * best, 0),
  };
}

/** W8A8 against runtimes that do the same work faster than the bar allows. */
export function ofDeit({ table, peers, profile }) {
  const own = rowOf(table, 'int8').milliseconds;
  const [fastest] = table.rows
    .filter(({ id, error }) => peers.includes(id) && !error)
    .sort((a, b) => a.milliseconds.median - b.milliseconds.median);
  const against = `Ours took ${ms(own.median)}, at best ${ms(own.min)}; ${fastest.name} took ${ms(fastest.milliseconds.median)}.`;
  if (!profile?.rows) return [against];
  const peak = profile.peaks[PEAK];
  const [all, linear, attention] = [undefined, 'CqLinear', 'CqAttention'].map((name) => sumOf(profile, name));
  const rest = all.milliseconds - linear.milliseconds - attention.milliseconds;
  const where = [
    `At the peak of ${peak.toFixed(1)} GMAC/s, which leaves no room for loads, requantization or softmax, the`,
    `${(all.multiplications / 1e9).toFixed(2)} GMAC of the model alone take ${ms(all.multiplications / peak / 1e6)}. By the profile below,`,
    `linear layers take ${ms(linear.milliseconds)} (${gmacs(linear.multiplications, linear.milliseconds)}), attention`,
    `${ms(attention.milliseconds)} (${gmacs(attention.multiplications, attention.milliseconds)}), other kernels ${ms(rest)}, and`,
    `TensorFlow.js between them ${ms(profile.between)}.`,
  ];
  return [against, where.join(' ')];
}

/** The ratio to stock TensorFlow.js at Base size against that at Tiny size. */
export function ofBase(scaling) {
  const widths = { Tiny: 192, Base: 768 };
  const [tiny, base] = ['Tiny', 'Base'].map((name) => {
    const { stock, int8 } = scaling.find(({ size, batch }) => size === name && batch === 1);
    return [stock, int8].map(({ milliseconds: { median } }) => gmacs(vitMultiplications(widths[name]), median));
  });
  return [
    `Stock TensorFlow.js computes ${tiny[0]} at Tiny and ${base[0]} at Base size: its scalar attention is a smaller part of a ` +
      `wide model. Ours goes from ${tiny[1]} to ${base[1]}; it has little left to gain with size.`,
  ];
}

/** Of a ViT of 12 layers and 1000 classes with 224 × 224 pixels in patches of 16. */
function vitMultiplications(width) {
  const tokens = 197;
  return 12 * (12 * tokens * width ** 2 + 2 * tokens ** 2 * width) + 196 * 768 * width + 1000 * width;
}

export function ofMiniLm({ profiles: { stock, int8 } }) {
  const [slow, fast] = [stock, int8].map((profile) => sumOf(profile).milliseconds + profile.between);
  const linear = sumOf(int8, 'CqLinear');
  const peak = int8.peaks[PEAK];
  const least = linear.multiplications / peak / 1e6;
  return [
    `By the best times it is ${times(slow / fast)}. Linear layers take ${ms(linear.milliseconds)} of ${ms(fast)}, at ` +
      `${gmacs(linear.multiplications, linear.milliseconds)} of a peak of ${peak.toFixed(1)}. At the peak itself they would take ` +
      `${ms(least)}, and with all else as it is the whole would be ${times(slow / (fast - linear.milliseconds + least))}. Stock ` +
      `TensorFlow.js runs models with few tokens well: attention, its scalar loop, grows with their square.`,
  ];
}

/** Two threads. */
export function ofThreads({ rows }) {
  const [two, one] = ['int8', 'int8-single'].map((id) => rowOf({ rows }, id)?.milliseconds);
  if (!two || !one) return undefined;
  const above = rows
    .filter(({ threads, error }) => threads > 1 && !error)
    .map(({ name, milliseconds: { min, median } }) => `${name} ${ms(median - min)}`);
  return [
    `By the best times two threads are ${times(one.min / two.min)} as fast as one. A second thread helps when the machine has a ` +
      `second core free at once; so much the medians on two threads lie above the best times: ${above.join(', ')}.`,
  ];
}
