// @ts-check
/** How the numbers of a detector's boxes are read: cam_core/targets/detection/meaning.py. */

/** @typedef {import("./types.d.ts").BoxNumbers} BoxNumbers */
/** @typedef {import("./types.d.ts").Level} Level */
/** @typedef {import("./boxes.js").Numbers} Numbers */
/** @typedef {{column: number, row: number, stride: number}} Cell */
/** @typedef {[number, number, number, number]} Corners */

/** Parts of a picture's extent reach a little beyond it. */
const NEAR_ONE = 2;
/** Of the picture's extent, what the middle 90 % of decoded boxes reach over at least. */
const SPREAD = 0.25;

/**
 * The four numbers of each anchor.
 * @param {Numbers} numbers
 * @param {BoxNumbers} of
 * @returns {Corners[]}
 */
export function numbersOf({ data, dims }, of) {
  const axis = (of.axis + dims.length) % dims.length;
  const each = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const anchors = data.length / dims[axis];
  return Array.from({ length: anchors }, (_, anchor) => {
    const start = Math.floor(anchor / each) * dims[axis] * each + (anchor % each);
    const four = [0, 1, 2, 3].map((k) => data[start + (of.start + k) * each]);
    return /** @type {Corners} */ (four);
  });
}

/**
 * The cell of each anchor; null where nobody knows.
 * @param {Level[] | null} grid
 * @returns {Cell[] | null}
 */
export function cellsOf(grid) {
  if (grid === null) return null;
  /** @type {Cell[]} */
  const found = [];
  for (const { rows, columns, stride, each } of grid) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let i = 0; i < each; i++) found.push({ column, row, stride });
      }
    }
  }
  return found;
}

/**
 * Corners in pixels of the input: how the numbers are written is told by all of them.
 * @param {Corners[]} all
 * @param {[number, number]} size
 * @param {Cell[] | null} cells
 * @param {BoxNumbers} of
 * @returns {Corners[]}
 */
export function read(all, size, cells, of) {
  const known = of.gridded ? cells : null;
  if (of.written === "offsets" && known) return all.map((one, i) => offsets(one, known[i]));
  const parts = all.every((one) => one.every((value) => Math.abs(value) <= NEAR_ONE));
  const decoded = known === null || parts || spread(all, size);
  const [height, width] = size;
  /** @param {Corners} a @returns {Corners} */
  const scaled = ([a, b, c, d]) =>
    parts ? [a * width, b * height, c * width, d * height] : [a, b, c, d];
  if (!decoded && known) return all.map((one, i) => offsets(one, known[i]));
  if (all.every(([x0, y0, x1, y1]) => x1 >= x0 && y1 >= y0)) return all.map(scaled);
  if (all.every(([, , w, h]) => w >= 0 && h >= 0)) return all.map((one) => fromCentre(scaled(one)));
  if (known && parts) return all.map((one, i) => offsets(one, known[i]));
  return all.map(([x, y, w, h]) =>
    fromCentre([Math.max(x, 0), Math.max(y, 0), Math.max(w, 0), Math.max(h, 0)]),
  );
}

/**
 * YOLOX (Ge et al. 2021): centre (cell + xy) stride, size exp(wh) stride.
 * @param {Corners} numbers
 * @param {Cell} cell
 * @returns {Corners}
 */
function offsets([x, y, w, h], { column, row, stride }) {
  const [width, height] = [w, h].map((value) => Math.exp(Math.min(value, 50)) * stride);
  return fromCentre([(column + x) * stride, (row + y) * stride, width, height]);
}

/**
 * @param {Corners} box
 * @returns {Corners}
 */
function fromCentre([x, y, w, h]) {
  return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
}

/**
 * Do the first two numbers, in pixels, reach over the picture?
 * @param {Corners[]} all
 * @param {[number, number]} size
 */
function spread(all, [height, width]) {
  return [width, height].every((extent, k) => {
    const sorted = all.map((one) => one[k]).sort((a, b) => a - b);
    return quantile(sorted, 0.95) - quantile(sorted, 0.05) > SPREAD * extent;
  });
}

/**
 * @param {number[]} sorted
 * @param {number} part
 */
function quantile(sorted, part) {
  const at = part * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}
