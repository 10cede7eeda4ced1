// @ts-check
/** A file or a frame becomes upright RGB pixels, transparency over white. */
import { Refusal } from "./refusal.js";

/** @typedef {import("./types.d.ts").Photo} Photo */

/** Pixels of the largest photo that is taken: beyond it browsers give blank canvases. */
const MOST = 89_478_485;

/**
 * @param {Blob | ImageBitmap} source
 * @param {string} name
 * @returns {Promise<Photo>}
 */
export async function decode(source, name) {
  const bitmap = source instanceof Blob ? await opened(source, name) : source;
  try {
    return pixels(bitmap, name);
  } finally {
    bitmap.close();
  }
}

/**
 * Turned upright as its EXIF tag says; colours as stored, as the command line reads them.
 * @param {Blob} file
 * @param {string} name
 */
async function opened(file, name) {
  if (file.size === 0) throw new Refusal(`${name} is empty: copy or download it again.`);
  try {
    return await createImageBitmap(file, {
      ...{ colorSpaceConversion: "none", premultiplyAlpha: "none" },
      imageOrientation: "from-image",
    });
  } catch {
    throw new Refusal(`${name} is no picture that this browser reads: convert it to PNG or JPEG.`);
  }
}

/**
 * @param {ImageBitmap} bitmap
 * @param {string} name
 * @returns {Photo}
 */
function pixels(bitmap, name) {
  const { height, width } = bitmap;
  if (height * width > MOST) {
    throw new Refusal(`${name} has more than ${Math.floor(MOST / 1e6)} million pixels: shrink it.`);
  }
  const canvas = new OffscreenCanvas(width, height);
  const drawing = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  if (drawing === null) throw new Refusal("This browser gives a page no canvas to read from.");
  drawing.fillStyle = "white";
  drawing.fillRect(0, 0, width, height);
  drawing.drawImage(bitmap, 0, 0);
  const { data: rgba } = drawing.getImageData(0, 0, width, height);
  const data = new Uint8Array(height * width * 3);
  for (let i = 0, j = 0; j < data.length; i += 4, j += 3) {
    data[j] = rgba[i];
    data[j + 1] = rgba[i + 1];
    data[j + 2] = rgba[i + 2];
  }
  return { data, height, width };
}
