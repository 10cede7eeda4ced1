// @ts-check
/** One model in the browser's runtime: a photo goes in, answers and a painted map come out. */
import { answer, best, labelOf, valued } from "./answers.js";
import { foundBoxes, knowsBoxes, pull } from "./boxes.js";
import { enlarged, paintHeat, paintPhoto, paintSigned, reduced } from "./colour.js";
import { finite } from "./diagnosis.js";
import { heatmap, limits, resize } from "./heat.js";
import { outline } from "./outline.js";
import { prepare } from "./prepare.js";
import { recorded } from "./recording.js";
import { Refusal } from "./refusal.js";
import { regionsOf } from "./regions.js";
import { floorOf, mapsOf, numbers, reasonOf, scoreOf } from "./results.js";

/** @typedef {import("./types.d.ts").Ask} Ask */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Grid} Grid */
/** @typedef {import("./types.d.ts").Look} Look */
/** @typedef {import("./types.d.ts").Photo} Photo */
/** @typedef {import("./types.d.ts").Picture} Picture */
/** @typedef {import("./types.d.ts").Prepared} Prepared */
/** @typedef {import("./types.d.ts").View} View */
/** @typedef {{dims: readonly number[], data: any, type: string}} Tensor */
/** @typedef {Record<string, Tensor>} Tensors */
/** @typedef {{inputNames: readonly string[], outputNames: readonly string[],
 *   inputMetadata: readonly {name: string, shape?: readonly (number | string)[]}[],
 *   run(feeds: Record<string, unknown>): Promise<any>, release(): Promise<void>}} Session */
/** @typedef {{Tensor: any, InferenceSession: {create(bytes: Uint8Array, options: object):
 *   Promise<any>}}} Runtime */

/**
 * @typedef {object} Engine
 * @property {Runtime} runtime
 * @property {Session} session
 * @property {Facts} facts
 * @property {Seen | null} last what `paint` and `record` are about
 */
/** @typedef {{photo: Photo, prepared: Prepared, results: Tensors, map: Grid,
 *   signed: Grid | null, lit: boolean, which: number | null,
 *   outline: import("./types.d.ts").Mask | null}} Seen */

/** Kinds of heads whose numbers are asked for by a class. */
const CLASSES = ["classes", "multi-label", "binary", "regression", "unknown"];

/**
 * @param {Runtime} runtime
 * @param {Facts} facts
 * @param {Uint8Array} bytes
 * @param {string} provider wasm or webgpu
 * @returns {Promise<Engine>}
 */
export async function open(runtime, facts, bytes, provider) {
  requireKnown(facts);
  const session = await runtime.InferenceSession.create(bytes, {
    executionProviders: [provider],
    logSeverityLevel: 3,
  });
  return { runtime, session, facts, last: null };
}

/**
 * Refuse what a page cannot ask of a file.
 * @param {Facts} facts
 */
function requireKnown({ name, head, given, target, method }) {
  const boxed = head.boxes !== null;
  const fits = given.includes("cotangent")
    ? knowsBoxes(head) || (head.kind === "dense classes" && !boxed)
    : !boxed && CLASSES.includes(head.kind);
  if (fits) return;
  const kind = boxed ? `boxes (${head.boxes?.written || head.evidence})` : head.kind;
  throw new Refusal(
    `${name} gives ${kind}, instrumented with ${method} for '${target}', and a page shows ` +
      "classifiers, detectors and segmenters: gradcam web writes a file that fits, " +
      "gradcam explain shows the rest.",
  );
}

/**
 * What the model sees in a photo, and the map of what is asked.
 * @param {Engine} engine
 * @param {Photo} photo
 * @param {Ask} ask
 * @param {import("./types.d.ts").How} how
 * @returns {Promise<Look>}
 */
export async function look(engine, photo, ask, how) {
  const start = performance.now();
  const prepared = prepare(photo, engine.facts);
  const { results, y, ...found } = await asked(engine, prepared, ask);
  const { map, signed } = mapsOf(results, engine.facts.name);
  const raw = limits(map.data);
  const floor = floorOf(results);
  const which = found.which < 0 ? null : found.which;
  const lit = finite(map.data) && raw.high > floor;
  const edge = found.outline;
  engine.last = { photo, prepared, results, map, signed, lit, which, outline: edge };
  const reason = reasonOf(results, y, found.score, signed ?? map, floor);
  return {
    ...found,
    entry: engine.facts.head.entry,
    rawMax: engine.facts.relative ? Number(lit) : raw.high,
    rawMin: signed === null ? raw.low : limits(signed.data).low,
    diagnosis: [found.doubt, reason].filter((text) => text !== "").join("; "),
    description: prepared.description,
    map,
    signed: signed ?? map,
    picture: paint(engine, how),
    photo: [photo.height, photo.width],
    milliseconds: performance.now() - start,
  };
}

/** @typedef {Pick<Look, "chosen" | "title" | "answers" | "boxes" | "regions" | "which" | "score" |
 *   "probability" | "doubt" | "outline"> & {results: Tensors, y: Float32Array}} Found */

/**
 * Run the model for one question.
 * @param {Engine} engine
 * @param {Prepared} prepared
 * @param {Ask} ask
 * @returns {Promise<Found>}
 */
async function asked(engine, prepared, ask) {
  const { facts } = engine;
  if (!facts.given.includes("cotangent"))
    return ofClass(engine, prepared, "class" in ask ? ask.class : -1);
  return facts.head.boxes === null
    ? ofRegion(engine, prepared, "region" in ask ? ask.region : -1)
    : ofBox(engine, prepared, "box" in ask ? ask.box : 0);
}

/**
 * @param {Engine} engine
 * @param {Prepared} prepared
 * @param {number} asked -1 is the top class
 * @returns {Promise<Found>}
 */
async function ofClass(engine, prepared, asked) {
  const { facts, runtime } = engine;
  const feeds = fed(engine, prepared);
  if (facts.given.includes("class")) {
    feeds.cam_class = new runtime.Tensor("int64", BigInt64Array.of(BigInt(asked)), [1]);
  }
  const results = /** @type {Tensors} */ (await engine.session.run(feeds));
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
 * @param {Prepared} prepared
 * @param {number} asked the n-th best box
 * @returns {Promise<Found>}
 */
async function ofBox(engine, prepared, asked) {
  const { facts } = engine;
  const first = await pulled(engine, prepared, null);
  const of = /** @type {import("./types.d.ts").BoxNumbers} */ (facts.head.boxes);
  const held = { data: numbers(first[of.output]), dims: first[of.output].dims };
  const found = foundBoxes(scoreOf(first, facts), held, facts, prepared.placement);
  const { boxes, below } = found;
  const chosen = Math.min(asked, boxes.length - 1);
  const box = boxes[chosen];
  const { score, cotangent } = pull(box, found.scores, found.background);
  const results = await pulled(engine, prepared, cotangent);
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
 * @param {Prepared} prepared
 * @param {number} asked the class; -1 is the largest region but the background
 * @returns {Promise<Found>}
 */
async function ofRegion(engine, prepared, asked) {
  const { facts } = engine;
  const first = await pulled(engine, prepared, null);
  const y = scoreOf(first, facts);
  const { regions, usual, pull: pulling, mask } = regionsOf(y, facts);
  const which = regions.some((one) => one.which === asked) ? asked : usual;
  const { cotangent, score } = pulling(which);
  const results = await pulled(engine, prepared, cotangent);
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
 * @param {Prepared} prepared
 * @param {{data: Float32Array, dims: number[]} | null} cotangent
 * @returns {Promise<Tensors>}
 */
async function pulled(engine, prepared, cotangent) {
  const { runtime, session } = engine;
  const dims = cotangent?.dims ?? shapeOf(session, "cam_cotangent");
  const data = cotangent?.data ?? new Float32Array(dims.reduce((a, b) => a * b, 1));
  const feeds = fed(engine, prepared);
  feeds.cam_cotangent = new runtime.Tensor("float32", data, dims);
  return /** @type {Tensors} */ (await session.run(feeds));
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

/**
 * The last photo once more, in another view, with the edge of the region that was asked for.
 * @param {Engine} engine
 * @param {import("./types.d.ts").How} how
 * @returns {Picture}
 */
export function paint({ last, facts }, how) {
  if (last === null) throw new Error("nothing was looked at");
  const picture = painted(last, facts, how);
  if (last.outline !== null) outline(picture, last.outline, last.prepared.placement);
  return picture;
}

/**
 * @param {Seen} last
 * @param {Facts} facts
 * @param {import("./types.d.ts").How} how
 */
function painted(last, { size, windows }, { view, weight, live }) {
  const at = last.prepared.placement;
  const shown = live ? reduced(last.photo) : enlarged(last.photo);
  if (view === "photo") return paintPhoto(shown);
  if (view === "heat" || last.signed === null) {
    const heat = last.lit ? heatmap(last.map, size, windows) : null;
    return paintHeat(shown, heat, at, weight);
  }
  const { low, high } = limits(last.signed.data);
  const limit = Math.max(-low, high);
  const over = limit > 0 ? resize(last.signed, size, windows) : null;
  const scaled = over && { ...over, data: over.data.map((value) => value / limit) };
  return paintSigned(shown, scaled, at, weight);
}

/**
 * The last look as an .npz that `gradcam compare` takes.
 * @param {Engine} engine
 */
export async function record({ last, facts }) {
  if (last === null) throw new Error("nothing was looked at");
  const y = scoreOf(last.results, facts);
  return recorded({
    x: last.prepared.x,
    dims: last.prepared.dims,
    logits: y.data,
    logitDims: [...y.dims],
    map: last.map,
    signed: last.signed,
    which: last.which,
  });
}
