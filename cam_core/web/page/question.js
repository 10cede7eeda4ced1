// @ts-check
/** One question to a model: the class, the box or the region that is explained. */
import { answer, best, labelOf, valued } from "./answers.js";
import { foundBoxes, pull } from "./boxes.js";
import { regionsOf } from "./regions.js";
import { numbers, scoreOf } from "./results.js";

/** @typedef {import("./engine.js").Engine} Engine */
/** @typedef {import("./engine.js").Session} Session */
/** @typedef {import("./engine.js").Tensors} Tensors */
/** @typedef {import("./types.d.ts").Ask} Ask */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Look} Look */
/** @typedef {import("./types.d.ts").Prepared} Prepared */
/** @typedef {(feeds: Record<string, unknown>) => Promise<Tensors>} Run */
/** @typedef {Pick<Look, "chosen" | "title" | "answers" | "boxes" | "regions" | "which" | "score" |
 *   "probability" | "doubt" | "outline"> & {results: Tensors, y: Float32Array}} Found */

/** Numbers of the layer, large, which only say why a map shows nothing. */
const OF_LAYER = ["cam_activations", "cam_alpha", "cam_gradients"];

/**
 * Run the model for one question.
 * @param {Engine} engine
 * @param {Prepared} prepared
 * @param {Ask} ask
 * @param {boolean} brief without the numbers of the layer
 * @returns {Promise<Found>}
 */
export async function asked(engine, prepared, ask, brief) {
  const { facts, session } = engine;
  /** @type {Run} */
  const run = (feeds) =>
    session.run(
      feeds,
      session.outputNames.filter((name) => !(brief && OF_LAYER.includes(name))),
    );
  if (!facts.given.includes("cotangent"))
    return ofClass(engine, run, prepared, "class" in ask ? ask.class : -1);
  return facts.head.boxes === null
    ? ofRegion(engine, run, prepared, "region" in ask ? ask.region : -1)
    : ofBox(engine, run, prepared, "box" in ask ? ask.box : 0);
}

/**
 * @param {Engine} engine
 * @param {Run} run
 * @param {Prepared} prepared
 * @param {number} asked -1 is the top class
 * @returns {Promise<Found>}
 */
async function ofClass(engine, run, prepared, asked) {
  const { facts, runtime } = engine;
  const feeds = fed(engine, prepared);
  if (facts.given.includes("class")) {
    feeds.cam_class = new runtime.Tensor("int64", BigInt64Array.of(BigInt(asked)), [1]);
  }
  const results = await run(feeds);
  const y = scoreOf(results, facts).data;
  const used = results.cam_class_used;
  const top = best(y, facts);
  const which = used ? Number(used.data[0]) : asked >= 0 ? asked : (top[0]?.which ?? 0);
  const { values, likely } = valued(y, facts);
  const one = answer(which, values, likely, facts);
  return {
    results,
    y,
    chosen: which,
    which,
    title: one.label || `${facts.head.entry} ${which}`,
    answers: facts.head.ranked ? top : [one],
    boxes: [],
    regions: [],
    score: results.cam_score ? numbers(results.cam_score)[0] : y[which],
    probability: likely ? one.value : null,
    doubt: "",
    outline: null,
  };
}

/**
 * @param {Engine} engine
 * @param {Run} run
 * @param {Prepared} prepared
 * @param {number} asked the n-th best box
 * @returns {Promise<Found>}
 */
async function ofBox(engine, run, prepared, asked) {
  const { facts } = engine;
  const first = await pulled(engine, run, prepared, null);
  const of = /** @type {import("./types.d.ts").BoxNumbers} */ (facts.head.boxes);
  const held = { data: numbers(first[of.output]), dims: first[of.output].dims };
  const found = foundBoxes(scoreOf(first, facts), held, facts, prepared.placement);
  const { boxes, below } = found;
  const chosen = Math.min(asked, boxes.length - 1);
  const box = boxes[chosen];
  const { score, cotangent } = pull(box, found.scores, found.background);
  const results = await pulled(engine, run, prepared, cotangent);
  return {
    results,
    y: new Float32Array(0),
    chosen,
    which: box.which,
    title: box.label || `${facts.head.entry} ${box.which}`,
    answers: [],
    boxes,
    regions: [],
    score,
    probability: facts.head.probability === "" ? null : box.value,
    doubt: below,
    outline: null,
  };
}

/**
 * @param {Engine} engine
 * @param {Run} run
 * @param {Prepared} prepared
 * @param {number} asked the class; -1 is the largest region but the background
 * @returns {Promise<Found>}
 */
async function ofRegion(engine, run, prepared, asked) {
  const { facts } = engine;
  const first = await pulled(engine, run, prepared, null);
  const y = scoreOf(first, facts);
  const { regions, usual, pull: pulling, mask } = regionsOf(y, facts);
  const which = regions.some((one) => one.which === asked) ? asked : usual;
  const { cotangent, score } = pulling(which);
  const results = await pulled(engine, run, prepared, cotangent);
  return {
    results,
    y: new Float32Array(0),
    chosen: which,
    which,
    title: labelOf(which, facts.labels) || `${facts.head.entry} ${which}`,
    answers: [],
    boxes: [],
    regions,
    score,
    probability: null,
    doubt: "",
    outline: over(mask(which), y.dims, facts),
  };
}

/**
 * A mask over all places as a picture, where the axes but rows and classes are height and width.
 * @param {Uint8Array} data
 * @param {readonly number[]} dims
 * @param {Facts} facts
 * @returns {import("./types.d.ts").Mask | null}
 */
function over(data, dims, { head }) {
  const axis = ((head.class_axis ?? 1) + dims.length) % dims.length;
  const cells = dims.filter((_, i) => i > 0 && i !== axis);
  return cells.length === 2 ? { data, height: cells[0], width: cells[1] } : null;
}

/**
 * Run it with a cotangent dY/dy; with none but zeros where null.
 * @param {Engine} engine
 * @param {Run} run
 * @param {Prepared} prepared
 * @param {{data: Float32Array, dims: number[]} | null} cotangent
 * @returns {Promise<Tensors>}
 */
async function pulled(engine, run, prepared, cotangent) {
  const { runtime, session } = engine;
  const dims = cotangent?.dims ?? shapeOf(session, "cam_cotangent");
  const data = cotangent?.data ?? new Float32Array(dims.reduce((a, b) => a * b, 1));
  const feeds = fed(engine, prepared);
  feeds.cam_cotangent = new runtime.Tensor("float32", data, dims);
  return run(feeds);
}

/**
 * The extents of an input, open ones as 1.
 * @param {Session} session
 * @param {string} name
 */
function shapeOf({ inputMetadata }, name) {
  const shape = inputMetadata.find((one) => one.name === name)?.shape ?? [];
  return shape.map((extent) => (typeof extent === "number" && extent > 0 ? extent : 1));
}

/**
 * @param {Engine} engine
 * @param {Prepared} prepared
 */
function fed({ facts, runtime }, prepared) {
  /** @type {Record<string, unknown>} */
  const feeds = {
    [facts.input.name]: new runtime.Tensor(facts.input.type, prepared.x, prepared.dims),
  };
  if (facts.given.includes("enable")) {
    feeds.cam_enable = new runtime.Tensor("bool", Uint8Array.of(1), []);
  }
  return feeds;
}
