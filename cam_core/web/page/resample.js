// @ts-check
/**
 * Pillow's resize of 8-bit pixels, number for number: a browser's own scaling is another one.
 *
 * Two passes, across and then down, each with weights in 22-bit fixed point and rounded to bytes.
 */

/** @typedef {import("./types.d.ts").Photo} Photo */
/** @typedef {{reach: number, weight: (x: number) => number}} Filter */

const BITS = 22;
const HALF = 1 << (BITS - 1);

/** @type {Record<string, Filter>} */
const FILTERS = {
  box: { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { reach: 1, weight: hamming },
  bicubic: { reach: 2, weight: bicubic },
  lanczos: { reach: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** @param {number} x */
function hamming(x) {
  const at = Math.abs(x);
  if (at === 0) return 1;
  if (at >= 1) return 0;
  return (Math.sin(at * Math.PI) / (at * Math.PI)) * (0.54 + 0.46 * Math.cos(at * Math.PI));
}

/** @param {number} x */
function bicubic(x) {
  const a = -0.5;
  const at = Math.abs(x);
  if (at < 1) return ((a + 2) * at - (a + 3)) * at * at + 1;
  if (at < 2) return (((at - 5) * at + 8) * at - 4) * a;
  return 0;
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/**
 * The part `box` (top, left, bottom, right, not always whole pixels) at another size.
 * @param {Photo} photo
 * @param {[number, number, number, number]} box
 * @param {[number, number]} size
 * @param {string} [kind]
 * @returns {Photo}
 */
export function resample(photo, box, size, kind = "bilinear") {
  const [top, left, bottom, right] = box.map(Math.fround);
  const [height, width] = size;
  const whole = top === 0 && left === 0 && bottom === photo.height && right === photo.width;
  if (whole && height === photo.height && width === photo.width) return photo;
  if (kind === "nearest") return nearest(photo, [top, left, bottom, right], size);
  const filter = FILTERS[kind];
  const across = taps(photo.width, left, right, width, filter);
  const down = taps(photo.height, top, bottom, height, filter);
  const narrow =
    width !== photo.width || left !== 0 || right !== width
      ? acrossRows(photo, across, width, down.first, down.last)
      : photo;
  const shift = narrow === photo ? 0 : down.first;
  if (height === photo.height && top === 0 && bottom === height) return narrow;
  return downColumns(narrow, down, height, shift);
}

/** @typedef {{at: Int32Array, count: Int32Array, weights: Int32Array, most: number, first: number,
 *   last: number}} Taps */

/**
 * Which pixels each new one is made of, and how much of each.
 * @param {number} extent
 * @param {number} low
 * @param {number} high
 * @param {number} count
 * @param {Filter} filter
 * @returns {Taps}
 */
function taps(extent, low, high, count, filter) {
  const scale = Math.fround(high - low) / count; // pillow holds the box in single precision
  const stretch = Math.max(scale, 1);
  const reach = filter.reach * stretch;
  const most = Math.ceil(reach) * 2 + 1;
  const found = {
    at: new Int32Array(count),
    count: new Int32Array(count),
    weights: new Int32Array(count * most),
    most,
    first: extent,
    last: 0,
  };
  const raw = new Float64Array(most);
  for (let i = 0; i < count; i++) {
    const centre = low + (i + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const n = Math.min(Math.trunc(centre + reach + 0.5), extent) - start;
    let sum = 0;
    for (let j = 0; j < n; j++) {
      raw[j] = filter.weight((j + start - centre + 0.5) * (1 / stretch));
      sum += raw[j];
    }
    for (let j = 0; j < n; j++) {
      const part = sum === 0 ? raw[j] : raw[j] / sum;
      found.weights[i * most + j] = Math.trunc(part * (1 << BITS) + (part < 0 ? -0.5 : 0.5));
    }
    found.at[i] = start;
    found.count[i] = n;
    found.first = Math.min(found.first, start);
    found.last = Math.max(found.last, start + n);
  }
  return found;
}

/**
 * @param {number} sum
 */
function byte(sum) {
  const value = sum >> BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/**
 * @param {Photo} photo
 * @param {Taps} taps
 * @param {number} width
 * @param {number} first
 * @param {number} last
 * @returns {Photo}
 */
function acrossRows(photo, { at, count, weights, most }, width, first, last) {
  const data = new Uint8Array((last - first) * width * 3);
  const from = photo.data;
  let to = 0;
  for (let row = first; row < last; row++) {
    const line = row * photo.width * 3;
    for (let i = 0; i < width; i++) {
      let r = HALF;
      let g = HALF;
      let b = HALF;
      let p = line + at[i] * 3;
      const end = i * most + count[i];
      for (let k = i * most; k < end; k++, p += 3) {
        const w = weights[k];
        r += from[p] * w;
        g += from[p + 1] * w;
        b += from[p + 2] * w;
      }
      data[to++] = byte(r);
      data[to++] = byte(g);
      data[to++] = byte(b);
    }
  }
  return { data, height: last - first, width };
}

/**
 * @param {Photo} photo
 * @param {Taps} taps
 * @param {number} height
 * @param {number} shift
 * @returns {Photo}
 */
function downColumns(photo, { at, count, weights, most }, height, shift) {
  const step = photo.width * 3;
  const data = new Uint8Array(height * step);
  const from = photo.data;
  const sums = new Int32Array(step);
  for (let i = 0; i < height; i++) {
    sums.fill(HALF);
    for (let k = 0; k < count[i]; k++) {
      const w = weights[i * most + k];
      const line = (at[i] - shift + k) * step;
      for (let j = 0; j < step; j++) sums[j] += from[line + j] * w;
    }
    for (let j = 0; j < step; j++) data[i * step + j] = byte(sums[j]);
  }
  return { data, height, width: photo.width };
}

/**
 * @param {Photo} photo
 * @param {number[]} box
 * @param {[number, number]} size
 * @returns {Photo}
 */
function nearest(photo, [top, left, bottom, right], [height, width]) {
  const data = new Uint8Array(height * width * 3);
  const rows = steps(top, Math.fround(bottom - top) / height, height);
  const columns = steps(left, Math.fround(right - left) / width, width);
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * photo.width + column) * 3;
      for (let k = 0; k < 3; k++) data[to++] = photo.data[from + k];
    }
  }
  return { data, height, width };
}

/**
 * Where the centres of new pixels lie, added up step by step as pillow does.
 * @param {number} start
 * @param {number} step
 * @param {number} count
 */
function steps(start, step, count) {
  const found = new Int32Array(count);
  let at = start + step * 0.5;
  for (let i = 0; i < count; i++, at += step) found[i] = Math.trunc(at);
  return found;
}
