// @ts-check
/** What cannot be done, in one sentence for the page. */
import { sized } from "./numbers.js";

/** A sentence that is shown as it stands. */
export class Refusal extends Error {}

const OPERATOR = [
  /Could not find an implementation for ([\w.]+)/,
  /No Op registered for ([\w.]+)/,
  /([\w.:]+)\(-?\d+\) is not a registered function\/op/,
  /kernel (?:is )?not found.*?\[([\w.]+)\]/i,
];
const FULL =
  /bad_alloc|out of memory|memory access out of bounds|allocation failed|Invalid array length|could not allocate|Aborted\(\)|OOM/i;

/**
 * @param {string} name
 * @param {number} bytes
 */
export function tooLarge(name, bytes) {
  return `${name} has ${(bytes / 1e9).toFixed(1)} GB, and a browser takes up to 2.`;
}

/**
 * One sentence for whatever went wrong with a model.
 * @param {unknown} error
 * @param {string} name of the model
 * @param {number} bytes of its file
 */
export function sentence(error, name, bytes) {
  if (error instanceof Refusal) return error.message;
  const text = error instanceof Error ? error.message : String(error);
  for (const pattern of OPERATOR) {
    const found = pattern.exec(text);
    if (found) {
      return (
        `${name} needs the operator ${found[1]}, which the browser's runtime does not have: ` +
        "gradcam explain runs it outside of a browser."
      );
    }
  }
  if (error instanceof RangeError || FULL.test(text) || /^\d+$/.test(text)) {
    return `${name} (${sized(bytes)}) is too large for this browser's memory: try a smaller one.`;
  }
  const first = text.split("\n")[0].trim();
  return `${name} does not run in this browser: ${first.replace(/\.$/, "")}.`;
}
