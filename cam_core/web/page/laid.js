// @ts-check
/** A frame of the camera with its heat, blended by the browser as paintHeat paints it. */
import { imageOf } from "./dom.js";
import { mapping, seen } from "./place.js";

/** @typedef {import("./types.d.ts").Overlay} Overlay */
/** @typedef {import("./types.d.ts").Picture} Picture */

/** Times a term is drawn at most: more than once where it is brighter than its picture. */
const MOST = 4;

/**
 * cam = s (1 - w) jet(heat) + s w photo where the model looked; grey and dark where it did not.
 * @param {CanvasRenderingContext2D} pen of a canvas that has the frame's size
 * @param {ImageBitmap} frame
 * @param {Overlay | null} overlay null: the frame alone
 */
export function laid(pen, frame, overlay) {
  pen.drawImage(frame, 0, 0);
  if (overlay === null) return;
  const [[top, bottom], [left, right]] = seen(overlay.at, [frame.height, frame.width]);
  const whole = right - left === frame.width && bottom - top === frame.height;
  if (!whole) dimmed(pen, frame);
  pen.save();
  pen.beginPath();
  pen.rect(left, top, right - left, bottom - top);
  pen.clip();
  pen.fillStyle = "black";
  pen.fillRect(left, top, right - left, bottom - top);
  pen.globalCompositeOperation = "lighter";
  added(pen, overlay.photo, () => pen.drawImage(frame, 0, 0));
  const { sy, sx, dy, dx } = mapping(overlay.at);
  const [height, width] = overlay.at.size;
  const heat = canvasOf(overlay.picture);
  added(pen, overlay.heat, () => pen.drawImage(heat, dx, dy, width * sx, height * sy));
  pen.restore();
}

/**
 * Half as bright and 65 % of the way to grey.
 * @param {CanvasRenderingContext2D} pen
 * @param {ImageBitmap} frame
 */
function dimmed(pen, { height, width }) {
  pen.save();
  pen.fillStyle = "black";
  pen.globalAlpha = 0.5;
  pen.fillRect(0, 0, width, height);
  pen.globalAlpha = 0.65;
  pen.globalCompositeOperation = "saturation";
  pen.fillRect(0, 0, width, height);
  pen.restore();
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} strength
 * @param {() => void} draw
 */
function added(pen, strength, draw) {
  for (let left = Math.min(strength, MOST); left > 0; left -= 1) {
    pen.globalAlpha = Math.min(left, 1);
    draw();
  }
}

/** @type {HTMLCanvasElement | null} */
let small = null;

/** @param {Picture} picture */
function canvasOf(picture) {
  const { height, width } = picture;
  small ??= document.createElement("canvas");
  if (small.width !== width || small.height !== height) Object.assign(small, { height, width });
  small.getContext("2d")?.putImageData(imageOf(picture), 0, 0);
  return small;
}
