// @ts-check
/** One model in the browser's runtime: a photo goes in, answers and a painted map come out. */
import { knowsBoxes } from "./boxes.js";
import { finite } from "./diagnosis.js";
import { limits } from "./heat.js";
import { drawn } from "./painted.js";
import { prepare } from "./prepare.js";
import { asked } from "./question.js";
import { recorded } from "./recording.js";
import { Refusal } from "./refusal.js";
import { floorOf, mapsOf, reasonOf, scoreOf } from "./results.js";

/** @typedef {import("./types.d.ts").Ask} Ask */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Grid} Grid */
/** @typedef {import("./types.d.ts").Look} Look */
/** @typedef {import("./types.d.ts").Photo} Photo */
/** @typedef {import("./types.d.ts").Prepared} Prepared */
/** @typedef {{dims: readonly number[], data: any, type: string}} Tensor */
/** @typedef {Record<string, Tensor>} Tensors */
/** @typedef {{inputNames: readonly string[], outputNames: readonly string[],
 *   inputMetadata: readonly {name: string, shape?: readonly (number | string)[]}[],
 *   run(feeds: Record<string, unknown>, wanted: readonly string[]): Promise<any>,
 *   release(): Promise<void>}} Session */
/** @typedef {{Tensor: any, InferenceSession: {create(bytes: Uint8Array, options: object):
 *   Promise<any>}}} Runtime */

/**
 * @typedef {object} Engine
 * @property {Runtime} runtime
 * @property {Session} session
 * @property {Facts} facts
 * @property {Seen | null} last what `again` and `record` are about
 */
/** @typedef {{photo: Photo, prepared: Prepared, results: Tensors, map: Grid,
 *   signed: Grid | null, lit: boolean, which: number | null,
 *   outline: import("./types.d.ts").Mask | null, told: Told}} Seen */
/** @typedef {Omit<Look, "picture" | "overlay">} Told */

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
  const { facts } = engine;
  const prepared = prepare(photo, facts);
  let one = await judged(engine, prepared, ask, how.live === true);
  const dark = !one.lit || one.reason !== "";
  if (how.live && dark) one = await judged(engine, prepared, ask, false); // the layer knows why
  const { results, found, map, signed, raw, lit, reason } = one;
  /** @type {Told} */
  const told = {
    ...found,
    entry: facts.head.entry,
    rawMax: facts.relative ? Number(lit) : raw.high,
    rawMin: signed === null ? raw.low : limits(signed.data).low,
    diagnosis: [found.doubt, reason].filter((text) => text !== "").join("; "),
    description: prepared.description,
    map,
    signed: signed ?? map,
    photo: [photo.height, photo.width],
    milliseconds: performance.now() - start,
  };
  const which = found.which < 0 ? null : found.which;
  engine.last = { photo, prepared, results, map, signed, lit, which, outline: found.outline, told };
  return again(engine, how);
}

/**
 * What the file gives for a question, and why that shows nothing.
 * @param {Engine} engine
 * @param {Prepared} prepared
 * @param {Ask} ask
 * @param {boolean} brief without the numbers of the layer
 */
async function judged(engine, prepared, ask, brief) {
  const { results, y, ...found } = await asked(engine, prepared, ask, brief);
  const { map, signed } = mapsOf(results, engine.facts.name);
  const raw = limits(map.data);
  const floor = floorOf(results);
  const lit = finite(map.data) && raw.high > floor;
  const reason = reasonOf(results, y, found.score, signed ?? map, floor);
  return { results, found, map, signed, raw, lit, reason };
}

/**
 * The last look once more, in another view.
 * @param {Engine} engine
 * @param {import("./types.d.ts").How} how
 * @returns {Look}
 */
export function again({ last, facts }, how) {
  if (last === null) throw new Error("nothing was looked at");
  return { ...last.told, ...drawn(last, facts, how) };
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
