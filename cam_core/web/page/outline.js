// @ts-check
/** The edge of a region on a photo: cam_core/image/marks.py. */
import { mapping } from "./place.js";

/** @typedef {import("./types.d.ts").Picture} Picture */
/** @typedef {import("./types.d.ts").Placement} Placement */

/**
 * The edge of a region, in place: a light line inside it and a dark one outside, seen on any ground.
 * @param {Picture} picture
 * @param {import("./types.d.ts").Mask} mask over the model's whole input
 * @param {Placement} at
 */
export function outline(picture, mask, at) {
  const { height, width } = picture;
  const inside = onPhoto(mask, at, [height, width]);
  const line = Math.max(2, Math.round(Math.max(height, width) / 240));
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const own = inside[row * width + column];
      const reach = own ? line : Math.ceil(line / 2);
      if (!isEdge(inside, own, row, column, reach, height, width)) continue;
      picture.data.fill(own ? 255 : 0, (row * width + column) * 4, (row * width + column) * 4 + 3);
    }
  }
}

/**
 * Is another side so near, up, down, left or right?
 * @param {Uint8Array} inside
 * @param {number} own
 * @param {number} row
 * @param {number} column
 * @param {number} reach
 * @param {number} height
 * @param {number} width
 */
function isEdge(inside, own, row, column, reach, height, width) {
  for (let step = 1; step <= reach; step++) {
    if (row >= step && inside[(row - step) * width + column] !== own) return true;
    if (row + step < height && inside[(row + step) * width + column] !== own) return true;
    if (column >= step && inside[row * width + column - step] !== own) return true;
    if (column + step < width && inside[row * width + column + step] !== own) return true;
  }
  return false;
}

/**
 * Which of the photo's pixels, drawn at a size, lie in a cell of a mask over the input.
 * @param {import("./types.d.ts").Mask} mask
 * @param {Placement} at
 * @param {[number, number]} size
 */
export function onPhoto(mask, at, size) {
  const { sy, sx, dy, dx } = mapping(at);
  const rows = cells(size[0], at.photo[0], sy, dy, mask.height, at.size[0]);
  const columns = cells(size[1], at.photo[1], sx, dx, mask.width, at.size[1]);
  const found = new Uint8Array(size[0] * size[1]);
  rows.forEach((row, i) => {
    columns.forEach((column, j) => {
      if (row >= 0 && column >= 0) found[i * size[1] + j] = mask.data[row * mask.width + column];
    });
  });
  return found;
}

/**
 * The cell under each pixel of an axis; -1 outside of the input.
 * @param {number} count
 * @param {number} photo
 * @param {number} scale
 * @param {number} shift
 * @param {number} extent of the mask
 * @param {number} size of the input
 */
function cells(count, photo, scale, shift, extent, size) {
  return Int32Array.from({ length: count }, (_, i) => {
    const input = (((i + 0.5) * photo) / count - shift) / scale;
    const cell = Math.floor((input * extent) / size);
    return cell >= 0 && cell < extent ? cell : -1;
  });
}
