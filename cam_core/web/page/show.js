// @ts-check
/** What one model says of a photo, on the page. */
import { WORDS } from "./agreement.js";
import { topLine } from "./answers.js";
import { one, shown } from "./dom.js";
import { general } from "./numbers.js";

/** @typedef {import("./types.d.ts").Answer} Answer */
/** @typedef {import("./types.d.ts").Ask} Ask */
/** @typedef {import("./types.d.ts").Box} Box */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Look} Look */
/** @typedef {{text: string, value: string, share: number, ask: Ask, chosen: boolean}} Choice */

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
export function rendered(article, facts, look, photo) {
  pictured(article, look);
  const canvas = one("canvas", article);
  canvas.setAttribute(
    "aria-label",
    `${photo}: where ${facts.name} sees ${look.title}. ${peak(look)}`,
  );
  one(".title", article).textContent = look.title;
  one(".numbers", article).textContent = numbersOf(look);
  const note = one(".note", article);
  note.textContent = look.diagnosis;
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
 */
export function pictured(article, { picture }) {
  const canvas = /** @type {HTMLCanvasElement} */ (one("canvas", article));
  article.style.setProperty("--ratio", String(picture.width / picture.height));
  if (canvas.width !== picture.width) canvas.width = picture.width;
  if (canvas.height !== picture.height) canvas.height = picture.height;
  const pixels = new ImageData(
    /** @type {ImageDataArray} */ (picture.data),
    picture.width,
    picture.height,
  );
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}

/** @param {Look} look */
export function numbersOf({ score, probability, rawMax }) {
  const likely = probability === null ? "" : `prob. ${probability.toFixed(3)} · `;
  return `score ${general(score, 4)} · ${likely}raw max ${general(rawMax, 3)}`;
}

/**
 * What can be asked for next.
 * @param {Facts} facts
 * @param {Look} look
 * @returns {Choice[]}
 */
function choices(facts, look) {
  const { entry } = look;
  /** @param {{label: string, which: number}} of */
  const named = ({ label, which }) => label || `${entry} ${which}`;
  const boxes = look.boxes.map((box, i) => ({
    ...{ text: named(box), value: box.value.toFixed(3), share: likely(facts, box.value) },
    ...{ ask: { box: i }, chosen: i === look.chosen },
  }));
  const regions = look.regions.map((region) => ({
    ...{ text: named(region), value: `${(100 * region.share).toFixed(1)} %`, share: region.share },
    ...{ ask: { region: region.which }, chosen: region.which === look.chosen },
  }));
  const top = look.answers.map((answer) => ({
    ...{ text: named(answer), value: answer.value.toFixed(3) },
    share: answer.likely ? answer.value : 0,
    ask: facts.given.includes("class") ? { class: answer.which } : { class: -1 },
    chosen: answer.which === look.which,
  }));
  return [...boxes, ...regions, ...top];
}

/**
 * @param {Facts} facts
 * @param {number} value
 */
function likely({ head }, value) {
  return head.probability === "" ? 0 : value;
}

/**
 * The buttons are kept where they are the same ones, so that the focus stays.
 * @param {HTMLElement} group
 * @param {Choice[]} wanted
 */
function buttons(group, wanted) {
  group.setAttribute("aria-label", "Answers: choose which one is explained");
  while (group.children.length > wanted.length) group.lastElementChild?.remove();
  while (group.children.length < wanted.length) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(document.createElement("b"), document.createElement("i"));
    group.append(button);
  }
  wanted.forEach(({ text, value, share, ask, chosen }, i) => {
    const button = /** @type {HTMLElement} */ (group.children[i]);
    one("b", button).textContent = text;
    one("i", button).textContent = value;
    button.style.setProperty("--share", String(Math.min(Math.max(share, 0), 1)));
    button.dataset.ask = JSON.stringify(ask);
    button.setAttribute("aria-pressed", String(chosen));
  });
}

/**
 * The boxes over the picture, each a button.
 * @param {HTMLElement} over
 * @param {Look} look
 */
function marked(over, { boxes, chosen, photo, entry }) {
  const [height, width] = photo;
  const made = boxes.map(({ corners, label, which }, i) => {
    const button = document.createElement("button");
    const [x0, x1] = [corners[0], corners[2]].map((x) => Math.min(Math.max(x / width, 0), 1));
    const [y0, y1] = [corners[1], corners[3]].map((y) => Math.min(Math.max(y / height, 0), 1));
    button.type = "button";
    button.style.left = `${100 * x0}%`;
    button.style.top = `${100 * y0}%`;
    button.style.width = `${100 * (x1 - x0)}%`;
    button.style.height = `${100 * (y1 - y0)}%`;
    button.dataset.ask = JSON.stringify({ box: i });
    button.setAttribute("aria-pressed", String(i === chosen));
    button.append(
      Object.assign(document.createElement("span"), { textContent: label || `${entry} ${which}` }),
    );
    return button;
  });
  over.replaceChildren(...made);
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
  list.replaceChildren(
    ...lines.flatMap(([name, text]) => [
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
  list.replaceChildren(
    ...Object.entries(measures).flatMap(([name, value]) => {
      const term = document.createElement("dt");
      term.textContent = `${name}${note}`;
      const figure = document.createElement("dd");
      figure.textContent = Number.isNaN(value) ? "nothing to compare" : value.toFixed(3);
      const words = document.createElement("dd");
      words.className = "words";
      words.textContent = WORDS[name];
      const pair = document.createElement("div");
      pair.append(term, figure, words);
      return [pair];
    }),
  );
}
