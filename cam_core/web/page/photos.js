// @ts-check
/** Photos from the samples, a drop, the clipboard or a file. */
import { one, said, shown } from "./dom.js";
import { MOST } from "./facts.js";
import { endFilming, filmed } from "./live.js";
import { lookAll } from "./looking.js";
import { opened } from "./models.js";
import { page } from "./page.js";
import { tooLarge } from "./refusal.js";
import { tried } from "./tried.js";

/** @typedef {{name: string, file: string}} Sample */

/** @param {Sample[]} samples */
export function listSamples(samples) {
  const buttons = samples.map((sample) => {
    const button = document.createElement("button");
    button.type = "button";
    const image = Object.assign(new Image(), { src: sample.file, alt: sample.name });
    button.append(image);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => void tried(() => pick(sample)));
    button.dataset.name = sample.name;
    return button;
  });
  one("#samples").replaceChildren(...buttons);
}

/** @param {Sample} sample */
export async function pick(sample) {
  const answer = await fetch(sample.file);
  await take(await answer.blob(), sample.name);
}

/**
 * A photo from anywhere: read, and shown to every model.
 * @param {Blob} source
 * @param {string} name
 */
async function take(source, name) {
  endFilming();
  await page.runner.call("photo", { source, name });
  page.photo = { name, source };
  for (const button of one("#samples").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.name === name));
  }
  if (page.models.length === 0) return said("#status", `${name} is here: now drop a model.`);
  for (const model of page.models) model.ask = { class: -1 };
  await lookAll();
}

/**
 * Whatever was dropped, pasted or chosen.
 * @param {File | null | undefined} file
 */
async function received(file) {
  if (!file) return;
  if (/\.onnx$/i.test(file.name)) {
    if (file.size >= MOST) throw new Error(tooLarge(file.name, file.size));
    return opened(null, file);
  }
  return take(file, file.name || "pasted.png");
}

/** Take them from now on. */
export function receive() {
  const input = /** @type {HTMLInputElement} */ (one("#file"));
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    void tried(() => received(file));
    input.value = "";
  });
  one("#camera").addEventListener("click", () => void tried(filmed));
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) void tried(() => received(file));
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    shown(one("#drop"), true);
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) shown(one("#drop"), false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    shown(one("#drop"), false);
    const file = event.dataTransfer?.files[0];
    void tried(() => received(file));
  });
}
