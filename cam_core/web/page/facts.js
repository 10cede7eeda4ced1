// @ts-check
/** All that is known of a file that was dropped: what `gradcam web` else writes beside it. */
import { read } from "./onnx_file.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").HeadFacts} HeadFacts */
/** @typedef {import("./types.d.ts").InputFacts} InputFacts */
/** @typedef {import("./onnx_file.js").Stated} Stated */

/** What a browser can hold in one piece. */
export const MOST = 2 ** 31;
const TYPES = ["", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64"];
const MORE = { 10: "float16", 11: "float64" };
const FED = ["cam_class", "cam_cotangent", "cam_enable"];
/** @type {import("./types.d.ts").Preprocess} */
const PLAIN = {
  ...{ mean: [0], std: [1], scale: 1 / 255, bgr: false, size: null, resize: null },
  ...{ margin: 1, fit: "crop", pad: 114, resample: "bilinear" },
};

/**
 * @param {Uint8Array} bytes
 * @param {string} name of the file
 * @returns {Facts}
 */
export function factsOf(bytes, name) {
  const stated = parsed(bytes, name);
  const { metadata } = stated;
  if (metadata["cam.version"] === undefined) {
    const written = `${name.replace(/\.onnx$/i, "")}.cam.onnx`;
    throw new Refusal(
      `${name} gives no map: gradcam instrument ${name} --outputs map,signed,score,class_used ` +
        `-o ${written} makes a file that does.`,
    );
  }
  if (stated.external) {
    throw new Refusal(
      `${name} keeps its weights in another file, and a page is given one: gradcam web ${name} ` +
        "puts them into it.",
    );
  }
  const input = pictured(stated, name);
  const how = json(metadata["cam.preprocess"]);
  const labels = json(metadata["cam.labels"]);
  const preprocess = how === null ? PLAIN : { ...PLAIN, ...how };
  return {
    name,
    bytes: bytes.length,
    input,
    size: sizeOf(input, preprocess.size),
    preprocess,
    preprocess_source:
      how === null
        ? "pixels / 255, a guess as nothing says it: instrument it with --preprocess"
        : "cam.* metadata of the file",
    labels,
    labels_source: labels === null ? "none" : "cam.* metadata of the file",
    head: headOf(stated),
    boxes: null,
    layer: (metadata["cam.layer"] ?? "").replaceAll(";", ", "),
    layer_note: "",
    method: metadata["cam.method"] ?? "",
    target: metadata["cam.target"] ?? "",
    windows: [
      [0, 1],
      [0, 1],
    ],
    score: metadata["cam.score"] ?? "",
    source_sha256: metadata["cam.source_sha256"] ?? "",
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
 * @param {Stated} stated
 * @param {string} name
 * @returns {InputFacts}
 */
function pictured(stated, name) {
  const own = stated.inputs.filter((one) => !FED.includes(one.name));
  const found = own.find((one) => axisOf(one.dims) !== null);
  if (found === undefined || own.length !== 1) {
    const taken = own.map((one) => `${one.name} [${one.dims.join(", ")}]`).join("; ");
    throw new Refusal(`${name} takes ${taken || "nothing"}, and a page feeds one picture.`);
  }
  return {
    name: found.name,
    shape: found.dims.map((extent) => (typeof extent === "number" && extent > 0 ? extent : null)),
    dtype: TYPES[found.type] || MORE[/** @type {10 | 11} */ (found.type)] || String(found.type),
    channel_axis: axisOf(found.dims),
    row_axis: found.dims.length === 4 ? 0 : null,
  };
}

/** @param {(number | string)[]} dims */
function axisOf(dims) {
  const first = dims.length === 4 ? 1 : dims.length === 3 ? 0 : null;
  if (first === null) return null;
  const colours = [1, 3];
  if (colours.includes(Number(dims[first]))) return first;
  if (colours.includes(Number(dims[dims.length - 1]))) return dims.length - 1;
  return typeof dims[first] === "number" ? null : first;
}

/**
 * Height and width, where the file leaves them open what the preprocessing says, else 224.
 * @param {InputFacts} input
 * @param {number | [number, number] | null} asked
 * @returns {[number, number]}
 */
function sizeOf(input, asked) {
  const start = input.shape.length - 3 + (input.channel_axis === input.shape.length - 1 ? 0 : 1);
  const usual = typeof asked === "number" ? [asked, asked] : (asked ?? [224, 224]);
  const [height, width] = [0, 1].map((axis) => Number(input.shape[start + axis] ?? usual[axis]));
  return [height, width];
}

/**
 * What its first output is, as far as the file itself says it.
 * @param {Stated} stated
 * @returns {HeadFacts}
 */
function headOf(stated) {
  const score = stated.metadata["cam.score"] ?? "";
  const output = stated.outputs.find((one) => one.name === score) ?? stated.outputs[0];
  return {
    output: output.name,
    tensor: score,
    kind: output.dims.length === 2 ? "classes" : "unknown",
    evidence: "as the file was instrumented",
    activation: "",
    class_axis: output.dims.length === 2 ? 1 : null,
    boxes: null,
    entry: "class",
    probability: "",
    ranked: true,
    said: score === output.name ? score : `${output.name} from ${score}`,
  };
}
