// @ts-check
/** From a map to a heatmap over the whole input: cam_core/maps/combine.py. */

/** @typedef {import("./types.d.ts").Grid} Grid */
/** @typedef {import("./types.d.ts").Window} Window */

/** The constant belongs to the definition: the maximum of a heatmap is just below 1. */
const LEAST = 1e-7;

/**
 * A positive map -> numbers in [0, 1) at a size: normalised, resized, normalised.
 * @param {Grid} map
 * @param {[number, number]} size
 * @param {[Window, Window]} windows what the map covers of the input, down and across
 * @returns {Grid}
 */
export function heatmap(map, size, windows) {
  return normalise(resize(normalise(map), size, windows));
}

/**
 * Less its minimum, over 1e-7 and what is then its maximum.
 * @param {Grid} map
 * @returns {Grid}
 */
export function normalise(map) {
  const { low, high } = limits(map.data);
  const span = Math.fround(Math.fround(high - low) + LEAST);
  const data = new Float32Array(map.data.length);
  for (let i = 0; i < data.length; i++) data[i] = Math.fround(map.data[i] - low) / span;
  return { ...map, data };
}

/** @param {ArrayLike<number>} values */
export function limits(values) {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return { low, high };
}

/**
 * Linear interpolation at half-pixel centres, clamped at the edges; 0 outside the windows.
 * @param {Grid} map
 * @param {[number, number]} size
 * @param {[Window, Window]} windows
 * @returns {Grid}
 */
export function resize(map, [height, width], windows) {
  const down = matrix(map.height, height, windows[0]);
  const across = matrix(map.width, width, windows[1]);
  const { low, high, less, more } = across;
  const data = new Float32Array(height * width);
  const line = new Float64Array(map.width);
  for (let i = 0, to = 0; i < height; i++) {
    const upper = down.low[i] * map.width;
    const lower = down.high[i] * map.width;
    for (let k = 0; k < line.length; k++) {
      line[k] = map.data[upper + k] * down.less[i] + map.data[lower + k] * down.more[i];
    }
    for (let j = 0; j < width; j++) {
      data[to++] = line[low[j]] * less[j] + line[high[j]] * more[j];
    }
  }
  return { data, height, width };
}

/**
 * @param {number} cells
 * @param {number} count
 * @param {Window} window
 */
function matrix(cells, count, [from, to]) {
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  const less = new Float32Array(count);
  const more = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const at = ((i + 0.5) / count - from) / (to - from);
    const centre = at * cells - 0.5;
    const below = Math.floor(centre);
    low[i] = Math.min(Math.max(below, 0), cells - 1);
    high[i] = Math.min(Math.max(below + 1, 0), cells - 1);
    const outside = at < 0 || at > 1;
    less[i] = outside ? 0 : 1 - (centre - below);
    more[i] = outside ? 0 : centre - below;
  }
  return { low, high, less, more };
}
