// @ts-check
/** How alike two maps are: cam_core/compare/agreement.py. */
import { limits, resize } from "./heat.js";
import { round } from "./numbers.js";

/** @typedef {import("./types.d.ts").Grid} Grid */

const TOP = 0.15;
const ROUNDING = 1e-5;
const WINDOW = 7;
const [C1, C2] = [0.01 ** 2, 0.03 ** 2];

/** What each says, for people. @type {Record<string, string>} */
export const WORDS = {
  spearman: "rank correlation of the signed maps",
  pearson: "linear correlation of the signed maps",
  ssim: "structural similarity, each map over its own range",
  iou: "overlap of the hottest 15 % of the cells",
  centre: "how far the centre of the heat moves, in sides",
  peak: "how far the hottest cell moves, in sides",
};

/** @type {Record<string, (a: Grid, b: Grid) => number>} */
const MEASURES = {
  spearman: (a, b) => pearson(ranked(rounded(a.data)), ranked(rounded(b.data))),
  pearson: (a, b) => pearson(a.data, b.data),
  ssim,
  iou,
  centre: (a, b) => distance(centre(a), centre(b)),
  peak: (a, b) => (even(a.data) || even(b.data) ? Number.NaN : distance(peak(a), peak(b))),
};

/**
 * All measures of two signed maps; the coarser one is resized to the finer.
 * @param {Grid} first
 * @param {Grid} second
 * @returns {Record<string, number>}
 */
export function agreement(first, second) {
  /** @type {[number, number]} */
  const size = [Math.max(first.height, second.height), Math.max(first.width, second.width)];
  const [a, b] = [first, second].map((map) =>
    map.height === size[0] && map.width === size[1]
      ? map
      : resize(map, size, [
          [0, 1],
          [0, 1],
        ]),
  );
  const whole = [a, b].every((map) => map.data.every(Number.isFinite));
  return Object.fromEntries(
    Object.entries(MEASURES).map(([name, of]) => [name, whole ? of(a, b) : Number.NaN]),
  );
}

/** @param {ArrayLike<number>} values */
function even(values) {
  const { low, high } = limits(values);
  return !(high > low);
}

/**
 * In steps of ROUNDING times the largest number.
 * @param {Float32Array} values
 */
function rounded(values) {
  const { low, high } = limits(values);
  const step = ROUNDING * Math.max(-low, high);
  return Float64Array.from(values, (value) => (step > 0 ? round(value / step) : 0));
}

/**
 * Equal values at the mean of their ranks.
 * @param {Float64Array} values
 */
function ranked(values) {
  const order = Array.from(values.keys()).sort((i, j) => values[i] - values[j]);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) ranks[order[i]] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
function pearson(a, b) {
  if (even(a) || even(b)) return Number.NaN;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  }
  return Math.min(Math.max(ab / Math.sqrt(aa * bb), -1), 1);
}

/** @param {ArrayLike<number>} values */
function mean(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/**
 * Of the hottest 15 % of the cells; the lowest value of a map is never hot.
 * @param {Grid} a
 * @param {Grid} b
 */
function iou(a, b) {
  if (even(a.data) || even(b.data)) return Number.NaN;
  const [first, second] = [hottest(a.data), hottest(b.data)];
  let [both, either] = [0, 0];
  for (let i = 0; i < first.length; i++) {
    if (first[i] && second[i]) both++;
    if (first[i] || second[i]) either++;
  }
  return both / either;
}

/** @param {Float32Array} values */
function hottest(values) {
  const count = Math.max(1, round(TOP * values.length));
  const sorted = Float64Array.from(values).sort();
  const [least, lowest] = [sorted[sorted.length - count], sorted[0]];
  return Array.from(values, (value) => value >= least && value > lowest);
}

/** @param {Grid} map */
function centre({ data, height, width }) {
  let [sum, down, across] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const heat = Math.max(data[i], 0);
    sum += heat;
    down += (heat * (Math.floor(i / width) + 0.5)) / height;
    across += (heat * ((i % width) + 0.5)) / width;
  }
  return sum > 0 ? [down / sum, across / sum] : [Number.NaN, Number.NaN];
}

/** @param {Grid} map */
function peak({ data, height, width }) {
  const at = data.indexOf(limits(data).high);
  return [(Math.floor(at / width) + 0.5) / height, ((at % width) + 0.5) / width];
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function distance(a, b) {
  return Math.hypot(b[0] - a[0], b[1] - a[1]);
}

/**
 * Wang et al. 2004, eq. 13, over all windows that lie within, each map over its own range.
 * @param {Grid} a
 * @param {Grid} b
 */
function ssim(a, b) {
  const smallest = Math.min(a.height, a.width);
  if (smallest < 3 || even(a.data) || even(b.data)) return Number.NaN;
  const size = Math.min(WINDOW, smallest - ((smallest + 1) % 2));
  const [x, y] = [a, b].map(({ data }) => {
    const { low, high } = limits(data);
    return Float64Array.from(data, (value) => (value - low) / (high - low));
  });
  let [sum, count] = [0, 0];
  for (let top = 0; top + size <= a.height; top++) {
    for (let left = 0; left + size <= a.width; left++) {
      sum += window(x, y, top, left, size, a.width);
      count++;
    }
  }
  return sum / count;
}

/**
 * @param {Float64Array} x
 * @param {Float64Array} y
 * @param {number} top
 * @param {number} left
 * @param {number} size
 * @param {number} width
 */
function window(x, y, top, left, size, width) {
  let [sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0];
  for (let row = top; row < top + size; row++) {
    for (let i = row * width + left; i < row * width + left + size; i++) {
      sx += x[i];
      sy += y[i];
      sxx += x[i] * x[i];
      syy += y[i] * y[i];
      sxy += x[i] * y[i];
    }
  }
  const n = size * size;
  const [mx, my] = [sx / n, sy / n];
  const [vx, vy, vxy] = [sxx - sx * mx, syy - sy * my, sxy - sx * my].map((v) => v / (n - 1));
  return ((2 * mx * my + C1) * (2 * vxy + C2)) / ((mx * mx + my * my + C1) * (vx + vy + C2));
}
