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
  const { height, width } = frame;
  if (overlay === null) return pen.drawImage(frame, 0, 0);
  const [[top, bottom], [left, right]] = seen(overlay.at, [height, width]);
  const within = new Path2D();
  within.rect(left, top, right - left, bottom - top);
  if (right - left < width || bottom - top < height) {
    const beside = new Path2D(within);
    beside.rect(0, 0, width, height);
    dimmed(pen, frame, beside);
  }
  pen.save();
  pen.clip(within);
  blended(pen, frame, overlay);
  pen.restore();
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {ImageBitmap} frame
 * @param {Overlay} overlay
 */
function blended(pen, frame, { at, picture, heat, photo }) {
  pen.fillStyle = "black";
  pen.fillRect(0, 0, frame.width, frame.height);
  pen.globalCompositeOperation = "lighter";
  added(pen, photo, () => pen.drawImage(frame, 0, 0));
  const { sy, sx, dy, dx } = mapping(at);
  const small = canvasOf(picture);
  added(pen, heat, () => pen.drawImage(small, dx, dy, at.size[1] * sx, at.size[0] * sy));
}

/**
 * Half as bright and 65 % of the way to grey, where the model saw nothing.
 * @param {CanvasRenderingContext2D} pen
 * @param {ImageBitmap} frame
 * @param {Path2D} beside
 */
function dimmed(pen, frame, beside) {
  pen.save();
  pen.clip(beside, "evenodd");
  pen.drawImage(frame, 0, 0);
  pen.fillStyle = "black";
  pen.globalAlpha = 0.5;
  pen.fillRect(0, 0, frame.width, frame.height);
  pen.globalAlpha = 0.65;
  pen.globalCompositeOperation = "saturation";
  pen.fillRect(0, 0, frame.width, frame.height);
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
