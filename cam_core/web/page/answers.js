// @ts-check
/** The best classes in the head's own words: cam_core/cli/naming.py. */

/** @typedef {import("./types.d.ts").Answer} Answer */
/** @typedef {import("./types.d.ts").Facts} Facts */

/**
 * What is said of each class: the probability that the model makes, else its score.
 * @param {ArrayLike<number>} y the scores
 * @param {Facts} facts
 * @returns {{values: Float64Array, likely: boolean}}
 */
export function valued(y, { head }) {
  const values = Float64Array.from(/** @type {ArrayLike<number>} */ (y));
  if (head.probability === "") return { values, likely: false };
  return { values: probabilities(values, head.probability), likely: true };
}

/**
 * @param {Float64Array} y
 * @param {string} how softmax, sigmoid or exp
 */
export function probabilities(y, how) {
  if (how === "sigmoid") return y.map((value) => 1 / (1 + Math.exp(-value)));
  if (how === "exp") return y.map(Math.exp);
  const top = y.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const parts = y.map((value) => Math.exp(value - top));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((value) => value / sum);
}

/**
 * The classes of the largest values, the best first.
 * @param {ArrayLike<number>} y
 * @param {Facts} facts
 * @param {number} [count]
 * @returns {Answer[]}
 */
export function best(y, facts, count = 5) {
  const { values, likely } = valued(y, facts);
  const order = Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
  return order.slice(0, count).map((which) => answer(which, values, likely, facts));
}

/**
 * @param {number} which
 * @param {Float64Array} values
 * @param {boolean} likely
 * @param {Facts} facts
 * @returns {Answer}
 */
export function answer(which, values, likely, facts) {
  return { which, label: labelOf(which, facts.labels), value: values[which], likely };
}

/**
 * The name of a class, '' where nobody names it.
 * @param {number} which
 * @param {string[] | null} labels
 */
export function labelOf(which, labels) {
  return labels?.[which] ?? "";
}

/**
 * "tiger cat 0.560 · ..."; scores are said to be that.
 * @param {Answer[]} top
 * @param {string} entry what those without a name are called
 */
export function topLine(top, entry) {
  const text = top
    .map(({ which, label, value }) => `${label || `${entry} ${which}`} ${value.toFixed(3)}`)
    .join(" · ");
  return top.length > 0 && !top[0].likely ? `${text} (scores)` : text;
}
