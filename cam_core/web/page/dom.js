// @ts-check
/** The few things that the page does to its own elements. */

/**
 * The element that is surely there.
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {HTMLElement}
 */
export function one(selector, within = document) {
  const found = within.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return found;
}

/**
 * @param {string} selector
 * @param {string} text
 */
export function said(selector, text) {
  set(one(selector), text);
}

/**
 * Its words, where they are others: a page that films says the same many times a second.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {string} value
 */
export function attribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * @param {HTMLElement} element
 * @param {string} name of a custom property
 * @param {string} value
 */
export function styled({ style }, name, value) {
  if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
}

/** What each element was last filled with. @type {WeakMap<Element, string>} */
const filled = new WeakMap();

/**
 * Its children, made anew where they say something else.
 * @param {HTMLElement} parent
 * @param {unknown} content all that they depend on
 * @param {() => Node[]} make
 */
export function renewed(parent, content, make) {
  const key = JSON.stringify(content);
  if (filled.get(parent) === key) return;
  filled.set(parent, key);
  parent.replaceChildren(...make());
}

/**
 * @param {HTMLElement} element
 * @param {boolean} visible
 */
export function shown(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/**
 * As a canvas takes it.
 * @param {import("./types.d.ts").Picture} picture
 */
export function imageOf({ data, height, width }) {
  return new ImageData(/** @type {ImageDataArray} */ (data), width, height);
}
