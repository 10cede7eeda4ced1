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
  one(selector).textContent = text;
}

/**
 * @param {HTMLElement} element
 * @param {boolean} visible
 */
export function shown(element, visible) {
  element.hidden = !visible;
}
