// @ts-check
/** Heat over a photo, painted as cam_core/image paints it. */
import { round } from "./numbers.js";
import { seen, toPhoto } from "./place.js";
import { resample } from "./resample.js";

/** @typedef {import("./types.d.ts").Grid} Grid */
/** @typedef {import("./types.d.ts").Photo} Photo */
/** @typedef {import("./types.d.ts").Picture} Picture */
/** @typedef {import("./types.d.ts").Placement} Placement */

const SHORTEST = 448;
const LONGEST = 1280;
/** Of a frame of the camera. */
const LIVE = 400;
/** Photos up to this size keep square pixels when they are enlarged. */
const TINY = 64;
const FOR = [200, 20, 30];
const AGAINST = [25, 80, 215];
/** How much of the photo the strongest evidence covers. */
const STRONGEST = 0.75;

/** OpenCV's jet, three bytes a level. */
export const JET = new Uint8Array(768);
for (let i = 0; i < 256; i++) {
  JET[i * 3] = byte(Math.min(4 * i - 382, 1148 - 4 * i));
  JET[i * 3 + 1] = byte(Math.min(4 * i - 128, 892 - 4 * i));
  JET[i * 3 + 2] = byte(Math.min(4 * i + 128, 638 - 4 * i));
}

/** @param {number} x */
function byte(x) {
  return x < 0 ? 0 : x > 255 ? 255 : Math.trunc(x);
}

/**
 * The photo at a size that is good to look at.
 * @param {Photo} photo
 * @returns {Photo}
 */
export function enlarged(photo) {
  const known = shown.get(photo) ?? drawn(photo);
  shown.set(photo, known);
  return known;
}

/**
 * A frame of the camera at a size that is painted in no time: means of whole blocks of pixels.
 * @param {Photo} photo
 * @returns {Photo}
 */
export function reduced(photo) {
  const step = Math.ceil(Math.max(photo.height, photo.width) / LIVE);
  const height = Math.floor(photo.height / step);
  const width = Math.floor(photo.width / step);
  if (step === 1 || height === 0 || width === 0) return photo;
  const data = new Uint8Array(height * width * 3);
  const row = photo.width * 3;
  for (let i = 0, to = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      let [r, g, b] = [0, 0, 0];
      for (let k = 0; k < step; k++) {
        let from = (i * step + k) * row + j * step * 3;
        for (let l = 0; l < step; l++) {
          r += photo.data[from++];
          g += photo.data[from++];
          b += photo.data[from++];
        }
      }
      data[to++] = r / (step * step);
      data[to++] = g / (step * step);
      data[to++] = b / (step * step);
    }
  }
  return { data, height, width };
}

/** One photo is painted many times. @type {WeakMap<Photo, Photo>} */
const shown = new WeakMap();

/**
 * @param {Photo} photo
 * @returns {Photo}
 */
function drawn(photo) {
  const longer = Math.max(photo.height, photo.width);
  const factor = longer < LONGEST ? Math.max(SHORTEST / longer, 1) : LONGEST / longer;
  if (factor === 1) return photo;
  /** @type {[number, number]} */
  const size = [
    Math.max(1, round(photo.height * factor)),
    Math.max(1, round(photo.width * factor)),
  ];
  const kind = longer <= TINY ? "nearest" : "bicubic";
  return resample(photo, [0, 0, photo.height, photo.width], size, kind);
}

/**
 * Heat where the model looked; the margin it never saw goes grey and dark.
 *
 * cam = (1 - w) jet(heat) + w photo, over its maximum, truncated to 0..255.
 * @param {Photo} photo
 * @param {Grid | null} heat over the model's whole input; null paints nothing
 * @param {Placement} at
 * @param {number} weight w: 1 is the photo alone
 * @returns {Picture}
 */
export function paintHeat(photo, heat, at, weight) {
  const picture = blank(photo);
  if (heat === null) return copied(photo, picture);
  const size = /** @type {[number, number]} */ ([photo.height, photo.width]);
  const [rows, columns] = seen(at, size);
  dim(photo, picture, rows, columns);
  const spread = toPhoto(heat, at, size).data;
  const hot = Float32Array.from(JET, (value) => ((1 - weight) * value) / 255);
  const cold = Float32Array.from({ length: 256 }, (_, value) => (value / 255) * weight);
  const levels = new Uint16Array(spread.length);
  const scale = 255 / (brightest(photo, spread, levels, hot, cold, rows, columns) || 1);
  const { data, width } = photo;
  const out = new Uint8Array(picture.data.buffer); // it truncates, a clamped array rounds
  for (let row = rows[0]; row < rows[1]; row++) {
    const end = row * width + columns[1];
    for (let i = row * width + columns[0]; i < end; i++) {
      const heat = levels[i];
      const from = i * 3;
      const to = i * 4;
      out[to] = (hot[heat] + cold[data[from]]) * scale;
      out[to + 1] = (hot[heat + 1] + cold[data[from + 1]]) * scale;
      out[to + 2] = (hot[heat + 2] + cold[data[from + 2]]) * scale;
    }
  }
  return picture;
}

/**
 * The largest number of the blend; where each value enters the table is written into `levels`.
 *
 * By truncation, three bytes a level.
 * @param {Photo} photo
 * @param {Float32Array} spread
 * @param {Uint16Array} levels
 * @param {Float32Array} hot
 * @param {Float32Array} cold
 * @param {[number, number]} rows
 * @param {[number, number]} columns
 */
function brightest({ data, width }, spread, levels, hot, cold, rows, columns) {
  let top = 0;
  for (let row = rows[0]; row < rows[1]; row++) {
    const end = row * width + columns[1];
    for (let i = row * width + columns[0]; i < end; i++) {
      const heat = Math.min(Math.trunc(255 * spread[i]), 255) * 3;
      levels[i] = heat;
      const from = i * 3;
      const r = hot[heat] + cold[data[from]];
      const g = hot[heat + 1] + cold[data[from + 1]];
      const b = hot[heat + 2] + cold[data[from + 2]];
      if (r > top) top = r;
      if (g > top) top = g;
      if (b > top) top = b;
    }
  }
  return top;
}

/**
 * Evidence in [-1, 1] over a grey photo: red for, blue against, nothing at 0.
 * @param {Photo} photo
 * @param {Grid | null} signed over the model's whole input, over its largest absolute value
 * @param {Placement} at
 * @param {number} weight 1 is the photo alone
 * @returns {Picture}
 */
export function paintSigned(photo, signed, at, weight) {
  const picture = blank(photo);
  if (signed === null) return copied(photo, picture);
  const size = /** @type {[number, number]} */ ([photo.height, photo.width]);
  const [rows, columns] = seen(at, size);
  dim(photo, picture, rows, columns);
  const spread = toPhoto(signed, at, size).data;
  const strongest = Math.min(1, 2 * (1 - weight) * STRONGEST);
  const { data, width } = photo;
  const out = new Uint8Array(picture.data.buffer);
  for (let row = rows[0]; row < rows[1]; row++) {
    const end = row * width + columns[1];
    for (let i = row * width + columns[0]; i < end; i++) {
      const value = spread[i];
      const share = strongest * Math.min(Math.abs(value), 1);
      const colour = value > 0 ? FOR : AGAINST;
      const from = i * 3;
      const grey = ((data[from] + data[from + 1] + data[from + 2]) / 3) * (1 - share) + 0.5;
      out[i * 4] = grey + colour[0] * share;
      out[i * 4 + 1] = grey + colour[1] * share;
      out[i * 4 + 2] = grey + colour[2] * share;
    }
  }
  return picture;
}

/**
 * The photo as it is.
 * @param {Photo} photo
 * @returns {Picture}
 */
export function paintPhoto(photo) {
  return copied(photo, blank(photo));
}

/** @param {Photo} photo */
function blank({ height, width }) {
  return { data: new Uint8ClampedArray(height * width * 4).fill(255), height, width };
}

/**
 * @param {Photo} photo
 * @param {Picture} picture
 */
function copied({ data }, picture) {
  const out = picture.data;
  for (let i = 0, j = 0; i < data.length; i += 3, j += 4) {
    out[j] = data[i];
    out[j + 1] = data[i + 1];
    out[j + 2] = data[i + 2];
  }
  return picture;
}

/**
 * Half as bright, and two thirds of the way to grey, where the model saw nothing.
 * @param {Photo} photo
 * @param {Picture} picture
 * @param {[number, number]} rows
 * @param {[number, number]} columns
 */
function dim(photo, picture, rows, columns) {
  if (rows[0] === 0 && columns[0] === 0 && rows[1] === photo.height && columns[1] === photo.width)
    return;
  for (let i = 0, j = 0; i < photo.data.length; i += 3, j += 4) {
    const total = photo.data[i] + photo.data[i + 1] + photo.data[i + 2];
    for (let k = 0; k < 3; k++) {
      picture.data[j + k] = Math.trunc((21 * photo.data[i + k] + 13 * total) / 120);
    }
  }
}
