// @ts-check
/** What can be asked for next: answers as buttons, boxes over the picture. */
import { attribute, one, renewed, set, styled } from "./dom.js";

/** @typedef {import("./types.d.ts").Ask} Ask */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Look} Look */
/** @typedef {{text: string, value: string, share: number, ask: Ask, chosen: boolean}} Choice */

/**
 * What can be asked for next.
 * @param {Facts} facts
 * @param {Look} look
 * @returns {Choice[]}
 */
export function choices(facts, look) {
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
export function buttons(group, wanted) {
  attribute(group, "aria-label", "Answers: choose which one is explained");
  while (group.children.length > wanted.length) group.lastElementChild?.remove();
  while (group.children.length < wanted.length) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(document.createElement("b"), document.createElement("i"));
    group.append(button);
  }
  wanted.forEach(({ text, value, share, ask, chosen }, i) => {
    const button = /** @type {HTMLElement} */ (group.children[i]);
    set(one("b", button), text);
    set(one("i", button), value);
    styled(button, "--share", String(Math.min(Math.max(share, 0), 1)));
    attribute(button, "data-ask", JSON.stringify(ask));
    attribute(button, "aria-pressed", String(chosen));
  });
}

/**
 * The boxes over the picture, each a button.
 * @param {HTMLElement} over
 * @param {Look} look
 */
export function marked(over, look) {
  const { boxes, chosen, photo, entry } = look;
  renewed(over, [boxes, chosen, photo, entry], () => marks(look));
}

/**
 * @param {Look} look
 * @returns {HTMLElement[]}
 */
function marks({ boxes, chosen, photo, entry }) {
  const [height, width] = photo;
  return boxes.map(({ corners, label, which }, i) => {
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
}
