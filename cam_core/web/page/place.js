// @ts-check
/**
 * Where the photo lies in the model's input, and the way back: cam_core/image/place.py.
 *
 * Coordinates are those of pixel edges: pixel i covers [i, i + 1) and has its centre at i + 0.5.
 */
import { round } from "./numbers.js";

/** @typedef {import("./types.d.ts").Placement} Placement */
/** @typedef {import("./types.d.ts").Grid} Grid */
/** @typedef {[number, number]} Size height and width */

/**
 * Lay a photo into an input.
 * @param {Size} photo
 * @param {Size} size
 * @param {{fit: string, resize: number | null, margin: number}} how
 * @returns {Placement}
 */
export function place(photo, size, how) {
  const [H, W] = photo;
  const [h, w] = size;
  /** @type {[number, number, number, number]} */
  const whole = [0, 0, H, W];
  if (how.fit === "stretch" && how.resize === null) {
    return { photo, size, box: whole, inner: size, corner: [0, 0] };
  }
  if (how.fit === "letterbox" || how.fit === "corner") {
    const ratio = Math.min(h / H, w / W);
    /** @type {Size} */
    const inner = [within(round(H * ratio), h), within(round(W * ratio), w)];
    /** @type {Size} */
    const corner = how.fit === "letterbox" ? [(h - inner[0]) >> 1, (w - inner[1]) >> 1] : [0, 0];
    return { photo, size, box: whole, inner, corner };
  }
  const resized = resizedBeforeCut(photo, size, how);
  if (resized[0] < h || resized[1] < w) {
    throw new Error(
      `resize ${how.resize}: the photo becomes ${resized[0]}x${resized[1]}, smaller than the ` +
        `input ${h}x${w}. Write the file again with a larger --resize or another --fit.`,
    );
  }
  const top = round((resized[0] - h) / 2);
  const left = round((resized[1] - w) / 2);
  const [sy, sx] = [H / resized[0], W / resized[1]];
  const box = /** @type {[number, number, number, number]} */ ([
    top * sy,
    left * sx,
    (top + h) * sy,
    (left + w) * sx,
  ]);
  return { photo, size, box, inner: size, corner: [0, 0] };
}

/**
 * @param {number} n
 * @param {number} most
 */
function within(n, most) {
  return Math.max(1, Math.min(most, n));
}

/**
 * @param {Size} photo
 * @param {Size} size
 * @param {{fit: string, resize: number | null, margin: number}} how
 * @returns {Size}
 */
function resizedBeforeCut(photo, [h, w], how) {
  if (how.resize === null) return cover(photo, [round(h * how.margin), round(w * how.margin)]);
  if (how.fit !== "stretch") return cover(photo, [how.resize, how.resize]);
  const least = Math.min(h, w);
  return [round((h * how.resize) / least), round((w * how.resize) / least)];
}

/**
 * The least size in the photo's own shape that covers [h, w]: the side that decides is exact and
 * the other truncated, as in torchvision's Resize.
 * @param {Size} photo
 * @param {Size} size
 * @returns {Size}
 */
export function cover([H, W], [h, w]) {
  if (h * W >= w * H) return [h, Math.max(w, Math.floor((h * W) / H))];
  return [Math.max(h, Math.floor((w * H) / W)), w];
}

/**
 * Photo pixels per input pixel, down and across, and where the input begins on the photo.
 * @param {Placement} at
 */
export function mapping(at) {
  const [top, left, bottom, right] = at.box;
  const sy = (bottom - top) / at.inner[0];
  const sx = (right - left) / at.inner[1];
  return { sy, sx, dy: top - at.corner[0] * sy, dx: left - at.corner[1] * sx };
}

/**
 * [first, last) rows and columns of the photo, drawn at `size`, whose centres the model saw.
 * @param {Placement} at
 * @param {Size} size
 * @returns {[Size, Size]}
 */
export function seen(at, size) {
  const spans = [0, 1].map((axis) => {
    const ratio = size[axis] / at.photo[axis];
    const [low, high] = [at.box[axis] * ratio, at.box[axis + 2] * ratio];
    const first = Math.min(Math.max(Math.ceil(low - 0.5), 0), size[axis] - 1);
    const last = Math.min(Math.max(Math.ceil(high - 0.5), first + 1), size[axis]);
    return /** @type {Size} */ ([first, last]);
  });
  return [spans[0], spans[1]];
}

/**
 * Warp a heatmap over the whole input to the photo's own pixels, drawn at `size`.
 *
 * Bilinear between half-pixel centres, edges held; what the model never saw is 0.
 * @param {Grid} heat
 * @param {Placement} at
 * @param {Size} size
 * @returns {Grid}
 */
export function toPhoto(heat, at, size) {
  const [rows, columns] = seen(at, size);
  const { sy, sx, dy, dx } = mapping(at);
  const down = taps(rows, at.photo[0] / size[0], sy, dy, heat.height, at.size[0]);
  const across = taps(columns, at.photo[1] / size[1], sx, dx, heat.width, at.size[1]);
  const data = new Float32Array(size[0] * size[1]);
  const { low, high, weight } = across;
  const cells = heat.data;
  for (let i = 0; i < down.low.length; i++) {
    const upper = down.low[i] * heat.width;
    const lower = down.high[i] * heat.width;
    const v = down.weight[i];
    let to = (rows[0] + i) * size[1] + columns[0];
    for (let j = 0; j < low.length; j++) {
      const l = low[j];
      const r = high[j];
      const left = cells[upper + l] * (1 - v) + cells[lower + l] * v;
      const right = cells[upper + r] * (1 - v) + cells[lower + r] * v;
      data[to++] = left + (right - left) * weight[j];
    }
  }
  return { data, height: size[0], width: size[1] };
}

/**
 * Between which two cells each pixel of one axis lies, and how far.
 * @param {Size} span
 * @param {number} zoom
 * @param {number} scale
 * @param {number} shift
 * @param {number} cells
 * @param {number} extent
 */
function taps([first, last], zoom, scale, shift, cells, extent) {
  const n = last - first;
  const low = new Int32Array(n);
  const high = new Int32Array(n);
  const weight = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const centre = (first + i + 0.5) * zoom;
    const at = (((centre - shift) / scale) * cells) / extent - 0.5;
    const position = Math.min(Math.max(at, 0), cells - 1);
    low[i] = Math.floor(position);
    high[i] = Math.min(low[i] + 1, cells - 1);
    weight[i] = position - low[i];
  }
  return { low, high, weight };
}
