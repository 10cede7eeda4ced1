// @ts-check
/** Heat for the browser to lay over a frame of the camera: small, so that it costs next to nothing. */
import { JET } from "./colour.js";
import { heatmap } from "./heat.js";
import { mapping, seen } from "./place.js";

/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Grid} Grid */
/** @typedef {import("./types.d.ts").Overlay} Overlay */
/** @typedef {import("./types.d.ts").Photo} Photo */
/** @typedef {import("./types.d.ts").Picture} Picture */
/** @typedef {import("./types.d.ts").Placement} Placement */

/** Points along a side, where the map is coarse. */
const USUAL = 96;
/** Points in a cell of the map along a side, at least. */
const LEAST = 3;

/**
 * The terms of paintHeat's blend, s ((1 - w) jet(heat) + w photo) with s = 255 over its maximum.
 *
 * Heat and maximum are those of a coarse grid.
 * @param {Photo} photo
 * @param {Grid} map
 * @param {Pick<Facts, "size" | "windows">} facts
 * @param {Placement} at
 * @param {number} weight w: 1 is the photo alone
 * @returns {Overlay}
 */
export function overlay(photo, map, { size, windows }, at, weight) {
  /** @type {[number, number]} */
  const grid = [points(map.height, size[0]), points(map.width, size[1])];
  const levels = entered(heatmap(map, grid, windows));
  const scale = 255 / (brightest(photo, levels, at, weight) || 1);
  return { picture: coloured(levels), at, heat: scale * (1 - weight), photo: scale * weight };
}

/**
 * @param {number} cells of the map
 * @param {number} extent of the input
 */
function points(cells, extent) {
  return Math.min(extent, Math.max(USUAL, LEAST * cells));
}

/** @typedef {{data: Uint8Array, height: number, width: number}} Levels */

/**
 * Where each value enters the table, by truncation.
 * @param {Grid} heat
 * @returns {Levels}
 */
function entered(heat) {
  const data = new Uint8Array(heat.data.length);
  for (let i = 0; i < data.length; i++) data[i] = 255 * heat.data[i];
  return { ...heat, data };
}

/**
 * @param {Levels} levels
 * @returns {Picture}
 */
function coloured({ data: levels, height, width }) {
  const data = new Uint8ClampedArray(levels.length * 4);
  for (let i = 0, to = 0; i < levels.length; i++, to += 4) {
    const from = levels[i] * 3;
    data[to] = JET[from];
    data[to + 1] = JET[from + 1];
    data[to + 2] = JET[from + 2];
    data[to + 3] = 255;
  }
  return { data, height, width };
}

/**
 * The largest number of the blend, with the photo's pixel under each point.
 * @param {Photo} photo
 * @param {Levels} levels
 * @param {Placement} at
 * @param {number} weight
 */
function brightest(photo, levels, at, weight) {
  const [rows, columns] = seen(at, [photo.height, photo.width]);
  const { sy, sx, dy, dx } = mapping(at);
  const down = places(levels.height, at.size[0], sy, dy, rows);
  const across = places(levels.width, at.size[1], sx, dx, columns);
  const rest = 1 - weight;
  let top = 0;
  for (let i = 0; i < down.length; i++) {
    if (down[i] < 0) continue;
    const line = i * levels.width;
    for (let j = 0; j < across.length; j++) {
      if (across[j] < 0) continue;
      const heat = levels.data[line + j] * 3;
      const from = (down[i] * photo.width + across[j]) * 3;
      const r = rest * JET[heat] + weight * photo.data[from];
      const g = rest * JET[heat + 1] + weight * photo.data[from + 1];
      const b = rest * JET[heat + 2] + weight * photo.data[from + 2];
      if (r > top) top = r;
      if (g > top) top = g;
      if (b > top) top = b;
    }
  }
  return top;
}

/**
 * The photo's pixels under the points of one axis; -1 where the model saw none.
 * @param {number} count
 * @param {number} extent of the input
 * @param {number} scale photo pixels per input pixel
 * @param {number} shift where the input begins on the photo
 * @param {[number, number]} span that was seen
 */
function places(count, extent, scale, shift, [first, last]) {
  const found = new Int32Array(count);
  for (let i = 0; i < found.length; i++) {
    const pixel = Math.floor(((i + 0.5) / count) * extent * scale + shift);
    found[i] = pixel >= first && pixel < last ? pixel : -1;
  }
  return found;
}
