// @ts-check
/** A photo becomes the model's input, as cam_core/image/preprocess.py makes it. */
import { half } from "./half.js";
import { general, round } from "./numbers.js";
import { place } from "./place.js";
import { resample } from "./resample.js";

/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Photo} Photo */
/** @typedef {import("./types.d.ts").Preprocess} Preprocess */
/** @typedef {import("./types.d.ts").Prepared} Prepared */

const KINDS = /** @type {const} */ ({
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
});

/**
 * x = (pixel * scale - mean) / std, after the photo was fitted to the input's size.
 * @param {Photo} photo
 * @param {Facts} facts
 * @returns {Prepared}
 */
export function prepare(photo, facts) {
  const { preprocess: how, input, size } = facts;
  const placement = place([photo.height, photo.width], size, how);
  const { channels, layout } = input.picture;
  const pixels = canvas(channels === 1 ? toGrey(photo) : photo, placement, how);
  const last = layout.endsWith("C");
  const values = new Float64Array(size[0] * size[1] * channels);
  const area = size[0] * size[1];
  for (let k = 0; k < channels; k++) {
    const from = how.bgr && channels === 3 ? 2 - k : k;
    const mean = of(how.mean, k, channels);
    const std = of(how.std, k, channels);
    const levels = Float64Array.from({ length: 256 }, (_, p) => (p * how.scale - mean) / std);
    for (let i = 0; i < area; i++) {
      values[last ? i * channels + k : k * area + i] = levels[pixels.data[i * 3 + from]];
    }
  }
  const shape = last ? [...size, channels] : [channels, ...size];
  return {
    x: typed(values, input.type),
    dims: layout.startsWith("N") ? [1, ...shape] : shape,
    placement,
    description: describe(how, size, channels),
  };
}

/**
 * @param {number[]} values
 * @param {number} k
 * @param {number} channels
 */
function of(values, k, channels) {
  if (channels === 1) return values.reduce((a, b) => a + b, 0) / values.length;
  return values.length === 1 ? values[0] : values[k];
}

/**
 * The input's pixels; what the photo leaves over is grey.
 * @param {Photo} photo
 * @param {import("./types.d.ts").Placement} at
 * @param {Preprocess} how
 * @returns {Photo}
 */
function canvas(photo, at, how) {
  const inner = resample(photo, at.box, at.inner, how.resample);
  const [height, width] = at.size;
  if (at.inner[0] === height && at.inner[1] === width) return inner;
  const data = new Uint8Array(height * width * 3).fill(how.pad);
  for (let row = 0; row < inner.height; row++) {
    const line = inner.data.subarray(row * inner.width * 3, (row + 1) * inner.width * 3);
    data.set(line, ((at.corner[0] + row) * width + at.corner[1]) * 3);
  }
  return { data, height, width };
}

/**
 * Pillow's grey, in all three colours.
 * @param {Photo} photo
 * @returns {Photo}
 */
function toGrey(photo) {
  const data = new Uint8Array(photo.data.length);
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [photo.data[i], photo.data[i + 1], photo.data[i + 2]];
    data.fill((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16, i, i + 3);
  }
  return { ...photo, data };
}

/**
 * @param {Float64Array} values
 * @param {string} dtype
 */
function typed(values, dtype) {
  if (dtype === "float16") return half(values);
  const Kind = KINDS[/** @type {keyof typeof KINDS} */ (dtype)];
  if (Kind === undefined) {
    throw new Error(`the input is ${dtype}: a browser feeds float32, float16 and bytes.`);
  }
  const found = new Kind(values.length);
  if (dtype.startsWith("float")) {
    found.set(values);
    return found;
  }
  const least = dtype === "uint8" ? 0 : dtype === "int8" ? -128 : -(2 ** 31);
  const most = dtype === "uint8" ? 255 : dtype === "int8" ? 127 : 2 ** 31 - 1;
  for (let i = 0; i < values.length; i++) {
    found[i] = Math.min(Math.max(round(values[i]), least), most);
  }
  return found;
}

/**
 * One line for people: what was done to the photo.
 * @param {Preprocess} how
 * @param {[number, number]} size
 * @param {number} channels
 */
export function describe(how, size, channels) {
  const text = `${size[0]}x${size[1]}`;
  const shorter = how.resize ?? round(Math.min(...size) * how.margin);
  const order = channels === 1 ? "grey" : how.bgr ? "BGR" : "RGB";
  const cut = how.resize === null ? ` ${text}` : ` side ${how.resize}, centre ${text}`;
  let steps = {
    crop: `shorter side ${shorter}, centre ${text}`,
    stretch: `stretched to${cut}`,
    letterbox: `letterboxed into ${text}`,
    corner: `laid into the corner of ${text}`,
  }[how.fit];
  if (how.resample !== "bilinear") steps += ` (${how.resample})`;
  steps += `, ${order}`;
  if (how.scale !== 1) {
    const inverse = general(Number((1 / how.scale).toFixed(4)), 6);
    steps += Math.abs(how.scale) < 1 ? `/${inverse}` : `*${general(how.scale, 6)}`;
  }
  if (how.mean.some((value) => value !== 0)) steps += `, minus ${listed(how.mean)}`;
  if (how.std.some((value) => value !== 1)) steps += `, over ${listed(how.std)}`;
  return steps;
}

/** @param {number[]} values */
function listed(values) {
  const shown = new Set(values).size === 1 ? values.slice(0, 1) : values;
  return shown.map((value) => general(value, 6)).join(", ");
}
