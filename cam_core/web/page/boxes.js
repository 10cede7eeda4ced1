// @ts-check
/** The boxes that a detector finds, and the cotangent of one: cam_core/targets/detection. */
import { labelOf, probabilities } from "./answers.js";
import { cellsOf, numbersOf, read } from "./box_numbers.js";
import { general } from "./numbers.js";
import { mapping } from "./place.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./types.d.ts").Box} Box */
/** @typedef {import("./types.d.ts").BoxNumbers} BoxNumbers */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").HeadFacts} HeadFacts */
/** @typedef {import("./types.d.ts").Placement} Placement */
/** @typedef {{data: Float32Array, dims: readonly number[]}} Numbers */
/** @typedef {{y: Float32Array, count: number, anchors: number, each: number,
 *   dims: readonly number[]}} Scores classes and anchors; class c of anchor a is at
 *   `at(scores, c, a)` */
/** @typedef {[number, number, number, number]} Corners */

const READ = ["", "offsets"];

/**
 * Can the page read boxes that are written so?
 * @param {HeadFacts} head
 */
export function knowsBoxes({ boxes }) {
  return (
    boxes !== null &&
    READ.includes(boxes.written) &&
    boxes.count === 4 &&
    boxes.each === 1 &&
    boxes.batched &&
    boxes.further.length === 0 &&
    !boxes.own &&
    !boxes.unsure &&
    boxes.angle === null
  );
}

/**
 * Those that remain after suppression, the best first; the best there is where none is likely.
 * @param {Numbers} score y, its classes along the head's axis
 * @param {Numbers} numbers the output that holds the boxes
 * @param {Facts} facts
 * @param {Placement} at
 */
export function foundBoxes(score, numbers, facts, at) {
  const { head } = facts;
  const of = /** @type {BoxNumbers} */ (head.boxes);
  const rules = facts.boxes;
  if (!rules) throw new Refusal(`${facts.name} does not say how its boxes are read.`);
  const scores = scoresOf(score, head.class_axis ?? 1);
  const background = of.background === null ? -1 : (of.background + scores.count) % scores.count;
  const strength = strengths(scores, head.probability, background);
  const corners = read(numbersOf(numbers, of), facts.size, cellsOf(rules.grid), of);
  const least = head.probability === "" ? rules.threshold_of_scores : rules.threshold;
  const order = candidates(strength, least);
  const kept = suppressed(order, corners, scores.anchors, rules.overlap, rules.most);
  const chosen = kept.length > 0 ? kept : [{ at: top(strength), value: strength[top(strength)] }];
  const boxes = chosen.map(({ at: place, value }) => {
    const which = Math.floor(place / scores.anchors);
    const anchor = place % scores.anchors;
    return {
      ...{ anchor, which, label: labelOf(which, facts.labels), value },
      corners: onPhoto(corners[anchor], at),
    };
  });
  const weak = kept.length === 0 ? boxes[0].value : null;
  return { boxes, below: weak === null ? "" : doubt(weak, least), scores, background };
}

/**
 * @param {number} value
 * @param {number} least
 */
function doubt(value, least) {
  const [found, limit] = [general(value, 3), general(least, 6)];
  return `no box: its ${found} is below ${limit}, this is the best there is`;
}

/**
 * Y of a box, and dY/dy: 1 at its class, -1 at the background, at its anchor alone.
 * @param {Box} box
 * @param {Scores} scores
 * @param {number} background -1 is none
 */
export function pull(box, scores, background) {
  const data = new Float32Array(scores.y.length);
  const own = place(scores, box.which, box.anchor);
  data[own] = 1;
  let score = scores.y[own];
  if (background >= 0) {
    const against = place(scores, background, box.anchor);
    data[against] = -1;
    score -= scores.y[against];
  }
  return { score, cotangent: { data, dims: [...scores.dims] } };
}

/**
 * Where a class of an anchor stands: the axes but those of rows and classes count the anchors.
 * @param {Scores} scores
 * @param {number} which
 * @param {number} anchor
 */
function place({ count, each }, which, anchor) {
  return (Math.floor(anchor / each) * count + which) * each + (anchor % each);
}

/**
 * @param {Numbers} score
 * @param {number} axis
 * @returns {Scores}
 */
function scoresOf({ data, dims }, axis) {
  const at = (axis + dims.length) % dims.length;
  const each = dims.slice(at + 1).reduce((a, b) => a * b, 1);
  const count = dims[at];
  return { y: data, count, anchors: data.length / count, each, dims };
}

/**
 * What boxes are ranked by, class after class: probabilities, or scores where there are none.
 * @param {Scores} scores
 * @param {string} how
 * @param {number} background
 */
function strengths(scores, how, background) {
  const { y, count, anchors } = scores;
  const found = new Float64Array(count * anchors);
  const one = new Float64Array(count);
  for (let anchor = 0; anchor < anchors; anchor++) {
    for (let c = 0; c < count; c++) one[c] = y[place(scores, c, anchor)];
    const made = how === "" ? one : probabilities(one, how);
    for (let c = 0; c < count; c++) {
      found[c * anchors + anchor] = c === background ? Number.NEGATIVE_INFINITY : made[c];
    }
  }
  return found;
}

/** @typedef {{at: number, value: number}} Candidate */

/**
 * @param {Float64Array} strength
 * @param {number} least
 * @returns {Candidate[]} the best first
 */
function candidates(strength, least) {
  /** @type {Candidate[]} */
  const found = [];
  strength.forEach((value, at) => {
    if (value >= least) found.push({ at, value });
  });
  return found.sort((a, b) => b.value - a.value || a.at - b.at);
}

/** @param {Float64Array} values */
function top(values) {
  let best = 0;
  values.forEach((value, at) => {
    if (value > values[best]) best = at;
  });
  return best;
}

/**
 * Of boxes of one class that lie over one another the best remains.
 * @param {Candidate[]} order
 * @param {Corners[]} corners by anchor
 * @param {number} anchors
 * @param {number} least the intersection over union from which on the lower of two goes
 * @param {number} most
 */
function suppressed(order, corners, anchors, least, most) {
  /** @type {Candidate[]} */
  const kept = [];
  for (const one of order) {
    const which = Math.floor(one.at / anchors);
    const hidden = kept.some(
      (other) =>
        Math.floor(other.at / anchors) === which &&
        overlap(corners[other.at % anchors], corners[one.at % anchors]) >= least,
    );
    if (!hidden) kept.push(one);
    if (kept.length === most) break;
  }
  return kept;
}

/**
 * Intersection over union.
 * @param {Corners} a
 * @param {Corners} b
 */
export function overlap(a, b) {
  const width = Math.max(Math.min(a[2], b[2]) - Math.max(a[0], b[0]), 0);
  const height = Math.max(Math.min(a[3], b[3]) - Math.max(a[1], b[1]), 0);
  const both = area(a) + area(b) - width * height;
  return both > 0 ? (width * height) / both : 0;
}

/** @param {Corners} box */
function area([x0, y0, x1, y1]) {
  return Math.max(x1 - x0, 0) * Math.max(y1 - y0, 0);
}

/**
 * @param {Corners} box
 * @param {Placement} placement
 * @returns {Corners}
 */
function onPhoto([x0, y0, x1, y1], placement) {
  const { sy, sx, dy, dx } = mapping(placement);
  return [x0 * sx + dx, y0 * sy + dy, x1 * sx + dx, y1 * sy + dy];
}
