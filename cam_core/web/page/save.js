// @ts-check
/** What can be kept: the picture with its words, and a recording for `gradcam compare`. */
import { JET } from "./colour.js";
import { imageOf, one } from "./dom.js";
import { general } from "./numbers.js";
import { numbersOf } from "./show.js";

/** @typedef {import("./page.js").Model} Model */
/** @typedef {Model & {look: import("./types.d.ts").Look}} Shown */
/** @typedef {{name: string} | null} Photo */

const PAPER = "#fffefb";
const INK = "#1c1b19";
const FAINT = "#5f5b54";

/** @param {Photo} photo */
function stemOf(photo) {
  return (photo?.name ?? "photo").replace(/\.[^.]*$/, "");
}

/**
 * Without what file systems mind.
 * @param {string} text
 */
function fileName(text) {
  return text.replace(/[^\w+.-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "") || "target";
}

/**
 * A .png, named as those of `gradcam explain`.
 * @param {Shown} model
 * @param {Photo} photo
 * @param {boolean} several are there other models?
 */
export async function savePicture(model, photo, several) {
  const card = drawn(model, photo);
  const blob = await new Promise((resolve) => card.toBlob(resolve, "image/png"));
  const { ask, look } = model;
  const kind = look.boxes.length > 0 ? "box-" : look.regions.length > 0 ? "region-" : "";
  const target = `${kind}${"box" in ask ? ask.box : kind === "box-" ? 0 : look.which}`;
  const own = several ? `.${fileName(model.facts.name)}` : "";
  download(blob, `${stemOf(photo)}.${fileName(target)}.${fileName(model.facts.method)}${own}.png`);
}

/**
 * An .npz, named as the photo.
 * @param {Model} model
 * @param {Photo} photo
 * @param {boolean} several
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export function saveRecording(model, photo, several, bytes) {
  const own = several ? `.${fileName(model.facts.name)}` : "";
  download(new Blob([bytes]), `${stemOf(photo)}${own}.npz`);
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function download(blob, name) {
  const href = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/**
 * The picture with its colour bar and its words.
 * @param {Shown} model
 * @param {Photo} photo
 */
function drawn({ look, facts }, photo) {
  const source = document.createElement("canvas");
  const { picture } = look;
  if (picture === null) throw new Error("There is nothing to save yet: choose a photo.");
  Object.assign(source, { height: picture.height, width: picture.width });
  source.getContext("2d")?.putImageData(imageOf(picture), 0, 0);
  const unit = Math.max(12, Math.round(Math.max(source.width, source.height) / 36));
  const heat = /** @type {HTMLInputElement} */ (one("#heat")).checked && look.rawMax > 0;
  const lines = [
    numbersOf(look),
    `${photo?.name ?? "photo"} · ${facts.name} · ${facts.method} at ${facts.layer}`,
    ...(look.diagnosis ? [`Note: ${look.diagnosis}`] : []),
  ];
  const bar = heat ? unit * 5 : 0;
  const width = Math.max(source.width + bar, unit * 22) + 2 * unit;
  const measuring = document.createElement("canvas").getContext("2d");
  if (measuring === null) throw new Error("This browser gives a page no canvas to draw on.");
  measuring.font = font(unit, false);
  const wrapped = lines.flatMap((line) => wrap(measuring, line, width - 2 * unit));
  const card = document.createElement("canvas");
  card.width = width;
  card.height = source.height + unit * (4.6 + 1.5 * wrapped.length);
  const pen = card.getContext("2d");
  if (pen === null) throw new Error("This browser gives a page no canvas to draw on.");
  pen.fillStyle = PAPER;
  pen.fillRect(0, 0, card.width, card.height);
  pen.drawImage(source, unit, unit);
  boxed(pen, look, unit, source);
  if (heat) scaled(pen, look.rawMax, unit, source);
  pen.fillStyle = INK;
  pen.font = font(unit * 1.35, true);
  pen.fillText(look.title, unit, source.height + unit * 2.8, width - 2 * unit);
  pen.fillStyle = FAINT;
  pen.font = font(unit, false);
  for (const [i, line] of wrapped.entries()) {
    pen.fillText(line, unit, source.height + unit * (4.5 + 1.5 * i));
  }
  return card;
}

/**
 * @param {number} size
 * @param {boolean} bold
 */
function font(size, bold) {
  return `${bold ? "600 " : ""}${Math.round(size)}px system-ui, "DejaVu Sans", sans-serif`;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} width
 */
function wrap(pen, text, width) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length > 0 ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length > 0 && pen.measureText(longer).width <= width)
      lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {import("./types.d.ts").Look} look
 * @param {number} unit
 * @param {HTMLCanvasElement} source
 */
function boxed(pen, { boxes, chosen, photo }, unit, source) {
  const zoom = [source.width / photo[1], source.height / photo[0]];
  boxes.forEach(({ corners: [x0, y0, x1, y1] }, i) => {
    pen.lineWidth = i === chosen ? 4 : 2;
    pen.strokeStyle = i === chosen ? "#ffc828" : "#fff";
    pen.strokeRect(
      ...[unit + x0 * zoom[0], unit + y0 * zoom[1]],
      ...[(x1 - x0) * zoom[0], (y1 - y0) * zoom[1]],
    );
  });
}

/**
 * The colour bar with the raw scale.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} top
 * @param {number} unit
 * @param {HTMLCanvasElement} source
 */
function scaled(pen, top, unit, source) {
  const left = source.width + 1.6 * unit;
  for (let row = 0; row < source.height; row++) {
    const level = Math.min(255, Math.floor(256 * (1 - (row + 0.5) / source.height)));
    pen.fillStyle = `rgb(${JET[level * 3]} ${JET[level * 3 + 1]} ${JET[level * 3 + 2]})`;
    pen.fillRect(left, unit + row, unit, 1.5);
  }
  pen.fillStyle = FAINT;
  pen.font = font(unit * 0.85, false);
  pen.fillText(general(top, 3), left + 1.3 * unit, unit * 1.8);
  pen.fillText("0", left + 1.3 * unit, unit + source.height);
}
