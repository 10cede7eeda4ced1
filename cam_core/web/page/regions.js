// @ts-check
/** The regions where classes win, and the cotangent of one: cam_core/targets/places/region.py. */
import { labelOf } from "./answers.js";

/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Found} Region */
/** @typedef {{data: Float32Array, dims: readonly number[]}} Numbers */

/** Names of a class that stands for nothing. */
const BACKGROUND = ["background", "void", "unlabelled", "unlabeled", "__background__"];

/**
 * Y = mean of y^c over the places where c wins (Hasany et al. 2023), and dY/dy.
 *
 * @param {Numbers} score y
 * @param {Facts} facts
 */
export function regionsOf({ data: y, dims }, facts) {
  const axis = ((facts.head.class_axis ?? 1) + dims.length) % dims.length;
  const count = dims[axis];
  const each = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const places = y.length / count;
  const own = facts.head.probability === "sigmoid" || count === 1;
  /** @param {number} which @param {number} p */
  const at = (which, p) => (Math.floor(p / each) * count + which) * each + (p % each);
  /** @param {number} which @param {number} p */
  const wins = (which, p) => (own ? y[at(which, p)] > 0 : winners[p] === which);
  const winners = own ? new Int32Array(0) : winnersOf(y, count, each);
  const regions = sharesOf(count, places, winners, wins)
    .map((share, which) => ({ which, label: labelOf(which, facts.labels), share }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share || a.which - b.which);
  /** @param {number} which */
  const pull = (which) => {
    const cotangent = new Float32Array(y.length);
    const chosen = [];
    for (let p = 0; p < places; p++) if (wins(which, p)) chosen.push(at(which, p));
    let score = 0;
    for (const place of chosen) {
      cotangent[place] = 1 / chosen.length;
      score += y[place] / chosen.length;
    }
    return { score, cotangent: { data: cotangent, dims: [...dims] } };
  };
  /** @param {number} which */
  const mask = (which) => Uint8Array.from({ length: places }, (_, p) => (wins(which, p) ? 1 : 0));
  return { regions, usual: usual(regions, facts.labels, own), pull, mask };
}

/**
 * The class that is largest at each place, of equals the first.
 * @param {Float32Array} y
 * @param {number} count
 * @param {number} each places that lie side by side
 */
function winnersOf(y, count, each) {
  const found = new Int32Array(y.length / count);
  for (let p = 0; p < found.length; p++) {
    const start = Math.floor(p / each) * count * each + (p % each);
    let best = 0;
    for (let c = 1; c < count; c++) {
      if (y[start + c * each] > y[start + best * each]) best = c;
    }
    found[p] = best;
  }
  return found;
}

/**
 * The part of the places at which each class wins.
 * @param {number} count
 * @param {number} places
 * @param {Int32Array} winners none where each class is measured against 0
 * @param {(which: number, p: number) => boolean} wins
 */
function sharesOf(count, places, winners, wins) {
  const won = new Float64Array(count);
  for (const which of winners) won[which]++;
  if (winners.length === 0) {
    for (let c = 0; c < count; c++) for (let p = 0; p < places; p++) if (wins(c, p)) won[c]++;
  }
  return Array.from(won, (value) => value / places);
}

/**
 * The largest but the background; that where there is no other.
 * @param {Region[]} regions the largest first
 * @param {string[] | null} labels
 * @param {boolean} own
 */
function usual(regions, labels, own) {
  /** @param {number} which */
  const nothing = (which) =>
    labels === null
      ? !own && which === 0
      : BACKGROUND.includes((labels[which] ?? "").trim().toLowerCase());
  return (regions.find(({ which }) => !nothing(which)) ?? regions[0])?.which ?? -1;
}
