// @ts-check
/** What one model says of a photo, on the page. */
import { WORDS } from "./agreement.js";
import { topLine } from "./answers.js";
import { buttons, choices, marked } from "./choices.js";
import { attribute, imageOf, one, renewed, set, shown, styled } from "./dom.js";
import { laid } from "./laid.js";
import { general } from "./numbers.js";

/** @typedef {import("./types.d.ts").Ask} Ask */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Look} Look */

/** More class names than this are searched, not listed. */
const LISTED = 5;

/**
 * An empty place for a model.
 * @param {Facts} facts
 * @param {(ask: Ask) => void} choose
 * @returns {HTMLElement}
 */
export function emptied(facts, choose) {
  const template = /** @type {HTMLTemplateElement} */ (one("template#look"));
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const article = one("article", copy);
  article.setAttribute("aria-label", facts.name);
  article.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-ask]") : null;
    if (button instanceof HTMLElement) choose(JSON.parse(button.dataset.ask ?? "{}"));
  });
  searched(article, facts, choose);
  return article;
}

/**
 * Any class by its name or number, where they are more than the answers show.
 * @param {HTMLElement} article
 * @param {Facts} facts
 * @param {(ask: Ask) => void} choose
 */
function searched(article, { labels, head, given, name }, choose) {
  const count = labels?.length ?? 0;
  const label = one(".any", article);
  shown(label, given.includes("class") && (count > LISTED || labels === null));
  const input = /** @type {HTMLInputElement} */ (one("input", label));
  const list = one("datalist", article);
  list.id = `labels-${name.replace(/\W/g, "-")}-${document.querySelectorAll("datalist").length}`;
  one("span", label).textContent = labels
    ? `Any other ${head.entry}`
    : `Any ${head.entry}, by number`;
  list.append(...(labels ?? []).map((text) => Object.assign(new Option(), { value: text })));
  input.setAttribute("list", list.id);
  input.addEventListener("change", () => {
    const which = labels?.indexOf(input.value) ?? -1;
    const number = /^\d+$/.test(input.value) ? Number(input.value) : -1;
    if (which >= 0 || number >= 0) choose({ class: which >= 0 ? which : number });
    input.setCustomValidity(which < 0 && number < 0 && input.value ? "no such name" : "");
  });
}

/**
 * @param {HTMLElement} article
 * @param {Facts} facts
 * @param {Look} look
 * @param {string} photo
 */
export function worded(article, facts, look, photo) {
  const told = `${photo}: where ${facts.name} sees ${look.title}. ${peak(look)}`;
  attribute(one("canvas", article), "aria-label", told);
  set(one(".title", article), look.title);
  set(one(".numbers", article), numbersOf(look));
  const note = one(".note", article);
  set(note, look.diagnosis);
  shown(note, look.diagnosis !== "");
  buttons(one(".answers", article), choices(facts, look));
  marked(one(".marks", article), look);
  listed(one(".facts", article), facts, look);
}

/**
 * Where the map is highest, for those who do not see it.
 * @param {Look} look
 */
function peak({ map, rawMax }) {
  if (!(rawMax > 0)) return "The map is zero everywhere.";
  const at = map.data.indexOf(rawMax);
  const down = (Math.floor(at / map.width) + 0.5) / map.height;
  const across = ((at % map.width) + 0.5) / map.width;
  const rows = down < 1 / 3 ? "top" : down < 2 / 3 ? "middle" : "bottom";
  const columns = across < 1 / 3 ? "left" : across < 2 / 3 ? "centre" : "right";
  return `The heat is highest at the ${rows} ${columns}.`;
}

/**
 * The picture alone.
 * @param {HTMLElement} article
 * @param {Look} look
 * @param {ImageBitmap | null} [frame] of the camera, which the browser itself draws
 */
export function pictured(article, { picture, overlay }, frame = null) {
  const canvas = /** @type {HTMLCanvasElement} */ (one("canvas", article));
  const shape = picture ?? frame;
  const pen = canvas.getContext("2d");
  if (shape === null || pen === null) return;
  styled(article, "--ratio", String(shape.width / shape.height));
  if (canvas.width !== shape.width) canvas.width = shape.width;
  if (canvas.height !== shape.height) canvas.height = shape.height;
  if (picture !== null) pen.putImageData(imageOf(picture), 0, 0);
  else if (frame !== null) laid(pen, frame, overlay);
}

/** @param {Look} look */
export function numbersOf({ score, probability, rawMax }) {
  const likely = probability === null ? "" : `prob. ${probability.toFixed(3)} · `;
  return `score ${general(score, 4)} · ${likely}raw max ${general(rawMax, 3)}`;
}

/**
 * @param {HTMLElement} list
 * @param {Facts} facts
 * @param {Look} look
 */
function listed(list, facts, look) {
  /** @type {[string, string][]} */
  const lines = [
    ["model", facts.name],
    ["score", facts.head.said],
    ["layer", facts.layer_note ? `${facts.layer} (${facts.layer_note})` : facts.layer],
    ["method", facts.method],
    ["input", `${look.description} (${facts.preprocess_source})`],
    ["labels", facts.labels_source],
  ];
  if (look.answers.length > 1) {
    lines.unshift([`top ${look.answers.length}`, topLine(look.answers, look.entry)]);
  }
  renewed(list, lines, () =>
    lines.flatMap(([name, text]) => [
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: text }),
    ]),
  );
}

/**
 * @param {HTMLElement} list
 * @param {Record<string, number>} measures
 * @param {Look[]} looks
 */
export function measured(list, measures, looks) {
  const about = new Set(looks.map((look) => look.title));
  const note = about.size === 1 ? "" : " (of two answers)";
  renewed(list, [Object.entries(measures), note], () =>
    Object.entries(measures).map(([name, value]) => {
      const term = document.createElement("dt");
      term.textContent = `${name}${note}`;
      const figure = document.createElement("dd");
      figure.textContent = Number.isNaN(value) ? "nothing to compare" : value.toFixed(3);
      const words = document.createElement("dd");
      words.className = "words";
      words.textContent = WORDS[name];
      const pair = document.createElement("div");
      pair.append(term, figure, words);
      return pair;
    }),
  );
}
