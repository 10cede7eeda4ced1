// @ts-check
/** All that an instrumented file says of itself: docs/metadata.md. */
import { read } from "./onnx_file.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").HeadFacts} HeadFacts */
/** @typedef {import("./types.d.ts").InputFacts} InputFacts */
/** @typedef {import("./types.d.ts").Notes} Notes */
/** @typedef {import("./types.d.ts").Record_} Record_ */
/** @typedef {import("./types.d.ts").Window} Window */

/** What a browser can hold in one piece. */
export const MOST = 2 ** 31;
const VERSION = 1;
/** What the page reads of a model. */
const OUTPUTS = "map,signed,noise_floor,logits,score,class_used";
/** Kinds whose numbers are no classes that could be ranked. */
const WITHOUT = ["regression", "embedding", "picture"];
/** @type {[Window, Window]} */
const WHOLE = [
  [0, 1],
  [0, 1],
];

/**
 * @param {Uint8Array} bytes
 * @param {string} name of the file
 * @param {Notes} [notes] what `gradcam web` knows beyond the file
 * @returns {Facts}
 */
export function factsOf(bytes, name, notes = {}) {
  const { metadata, external } = parsed(bytes, name);
  const record = recordOf(metadata, name);
  if (external) {
    throw new Refusal(
      `${name} keeps its weights in another file, and a page is given one: gradcam web ${name} ` +
        "puts them into it.",
    );
  }
  const input = pictured(record, name);
  const { picture } = input;
  const labels = json(metadata["cam.labels"]);
  const head = record.heads[0];
  const map = record.outputs.find((one) => one.what === "map");
  return {
    name,
    bytes: bytes.length,
    input,
    size: picture.size,
    preprocess: picture,
    preprocess_source: notes.preprocess_source ?? picture.source,
    labels,
    labels_source: notes.labels_source ?? (labels === null ? "none" : "cam.* metadata of the file"),
    head: {
      ...head,
      class_axis: record.score.class_axis,
      probability: record.score.probability,
      entry: record.score.entry,
      ranked: !WITHOUT.includes(head.kind),
      said: said(head),
    },
    boxes: record.boxes,
    layer: (metadata["cam.layer"] ?? "").replaceAll(";", ", "),
    layer_note: notes.layer_note ?? "",
    method: record.map.method,
    relative: record.map.maximum === "relative",
    target: record.map.target,
    given: record.given.map((one) => one.what),
    windows: windowsOf(map?.region ?? null, input),
    score: record.score.tensor,
    saturated: record.diagnosis.saturated,
  };
}

/**
 * @param {Uint8Array} bytes
 * @param {string} name
 */
function parsed(bytes, name) {
  try {
    const found = read(bytes);
    if (found.outputs.length > 0) return found;
  } catch {
    // said below
  }
  throw new Refusal(`${name} is no .onnx file that can be read: copy or download it again.`);
}

/**
 * How the file is fed and read.
 * @param {Record<string, string>} metadata
 * @param {string} name
 * @returns {Record_}
 */
function recordOf(metadata, name) {
  const record = json(metadata["cam.record"]);
  if (record?.version === VERSION) return record;
  const written = `${name.replace(/(\.cam)?\.onnx$/i, "")}.cam.onnx`;
  const command = `gradcam instrument ${name} --outputs ${OUTPUTS} -o ${written}`;
  if (metadata["cam.version"] === undefined) {
    throw new Refusal(`${name} gives no map: ${command} makes a file that does.`);
  }
  throw new Refusal(
    `${name} was instrumented by another version, which the page does not read: take gradcam strip ` +
      `and then ${command}.`,
  );
}

/** @param {string | undefined} text */
function json(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

/**
 * The one input that takes a picture.
 * @param {Record_} record
 * @param {string} name
 * @returns {InputFacts}
 */
function pictured({ inputs }, name) {
  const [found] = inputs;
  if (inputs.length === 1 && found.picture !== null) return { ...found, picture: found.picture };
  const taken = inputs.map((one) => `${one.name} [${one.shape.map((n) => n ?? "?").join(", ")}]`);
  throw new Refusal(
    `${name} takes ${taken.join("; ") || "nothing"}, and a page feeds one picture.`,
  );
}

/**
 * What the map covers of the picture, down and across.
 * @param {import("./types.d.ts").Region | null} region
 * @param {InputFacts} input
 * @returns {[Window, Window]}
 */
function windowsOf(region, { name, shape, picture }) {
  if (region === null || region.input !== name) return WHOLE;
  const first = shape.length - (picture.layout.endsWith("C") ? 3 : 2);
  const [down, across] = [first, first + 1].map((axis, i) => {
    const at = region.axes.indexOf(axis);
    if (at < 0) return WHOLE[i];
    const [low, high] = region.windows[at];
    const [before, after] = region.shifts[at] ?? [0, 0];
    const extent = picture.size[i];
    return /** @type {Window} */ ([low + before / extent, high + after / extent]);
  });
  return [down, across];
}

/** @param {{output: string, tensor: string, kind: string, evidence: string}} head */
function said({ output, tensor, kind, evidence }) {
  const name = tensor !== "" && tensor !== output ? `${output} from ${tensor}` : output;
  return `${name}: ${kind} (${evidence})`;
}
