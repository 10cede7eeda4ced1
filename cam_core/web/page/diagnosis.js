// @ts-check
/** Why a map shows nothing, or less than it seems to: cam_core/maps/diagnosis.py. */
import { limits } from "./heat.js";
import { general } from "./numbers.js";

/** @typedef {{A: Float32Array, alpha: Float32Array, G: Float32Array | null, places: number}} Layer
 *   A and G [K, places], alpha [K] or [K, places] */

/** A probability nearer to 0 or 1 than this has hardly any gradient left. */
const SATURATED = 1e-6;
const EPS = 2 ** -23;

/**
 * The value below which a map is rounding: 8 eps of the largest sum_k |alpha_k A^k|.
 * @param {Layer} layer
 */
export function noiseFloor({ A, alpha, places }) {
  const sums = new Float64Array(places);
  const each = alpha.length === A.length;
  for (let i = 0; i < A.length; i++) {
    sums[i % places] += Math.abs(A[i] * alpha[each ? i : Math.floor(i / places)]);
  }
  return finite(sums) ? 8 * EPS * limits(sums).high : Number.NaN;
}

/**
 * One reason, '' where nothing is wrong with the map.
 * @param {{y: ArrayLike<number>, score: number, probability: boolean, layer: Layer | null,
 *   signed: Float32Array, floor: number}} found
 */
export function diagnose({ y, score, probability, layer, signed, floor }) {
  return (
    broken(y, layer) ||
    saturated(y, score, probability, layer) ||
    blank(layer, limits(signed).high > floor) ||
    hidden(signed, floor)
  );
}

/**
 * @param {ArrayLike<number>} y
 * @param {Layer | null} layer
 */
function broken(y, layer) {
  const bad = [
    ["the score", y],
    ["the activations", layer?.A],
    ["the gradients", layer?.G],
  ]
    .filter(([, values]) => values && !finite(/** @type {ArrayLike<number>} */ (values)))
    .map(([name]) => name);
  if (bad.length === 0) return "";
  return `NaN or inf in ${bad.join(" and ")}: NaN in the weights or the input, or an overflow`;
}

/**
 * @param {ArrayLike<number>} y
 * @param {number} score
 * @param {boolean} probability
 * @param {Layer | null} layer
 */
function saturated(y, score, probability, layer) {
  if (Math.min(score, 1 - score) > SATURATED) return "";
  const shown = general(score, 9);
  if (probability) {
    return `score saturated: the probability is ${shown}; explain the logit instead`;
  }
  let sum = 0;
  for (let i = 0; i < y.length; i++) sum += y[i];
  const looks = y.length > 1 && limits(y).low >= 0 && Math.abs(sum - 1) < 1e-3;
  if (looks && layer?.G && isZero(layer.G)) {
    return `score saturated: it looks like a probability, ${shown}; name the logits as score`;
  }
  return "";
}

/**
 * @param {Layer | null} layer
 * @param {boolean} lit
 */
function blank(layer, lit) {
  if (layer?.G && isZero(layer.G)) {
    return "the gradient is exactly zero: this layer does not move the score here";
  }
  if (lit || layer === null) return "";
  if (isZero(layer.A)) return "every activation of this layer is zero";
  if (isZero(layer.alpha)) {
    return "the gradient is not zero but every weight is: it cancels, or is negative, everywhere";
  }
  return "";
}

/**
 * @param {Float32Array} signed
 * @param {number} floor
 */
function hidden(signed, floor) {
  const { low, high } = limits(signed);
  if (high <= 0 && low < -floor) {
    return "every weighted value is negative: this layer speaks against the target only";
  }
  if (high <= floor) {
    const [top, noise] = [general(high, 3), general(floor, 3)];
    return `the map is rounding noise: its maximum is ${top}, noise reaches ${noise}`;
  }
  return "";
}

/** @param {ArrayLike<number>} values */
export function finite(values) {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

/** @param {ArrayLike<number>} values */
function isZero(values) {
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) return false;
  return true;
}
