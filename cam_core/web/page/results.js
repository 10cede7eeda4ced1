// @ts-check
/** What a file gave for a photo: its scores, its map, and why that shows nothing. */
import { diagnose, noiseFloor } from "./diagnosis.js";
import { whole } from "./half.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./engine.js").Tensor} Tensor */
/** @typedef {import("./engine.js").Tensors} Tensors */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Grid} Grid */

/**
 * y: what is explained, as the file gives it.
 * @param {Tensors} results
 * @param {Facts} facts
 */
export function scoreOf(results, { score, head }) {
  const found = results.cam_logits ?? results[score] ?? results[head.output];
  return { data: numbers(found), dims: found.dims };
}

/**
 * @param {Tensors} results
 * @param {string} name
 */
export function mapsOf(results, name) {
  const map = results.cam_map ?? results.cam_map_0;
  if (map === undefined) {
    throw new Refusal(`${name} has no output cam_map: instrument it with --outputs map,signed.`);
  }
  const signed = results.cam_signed ?? results.cam_signed_0;
  return { map: grid(map, name), signed: signed ? grid(signed, name) : null };
}

/**
 * The last two axes; all before them are 1.
 * @param {Tensor} tensor
 * @param {string} name
 * @returns {Grid}
 */
function grid(tensor, name) {
  const { dims } = tensor;
  const cells = dims.slice(1).filter((extent, axis) => axis > 0 || dims.length < 4 || extent > 1);
  if (cells.length !== 2) {
    throw new Refusal(
      `${name} gives a map [${dims.slice(1).join(", ")}], which is not a picture: instrument it ` +
        "at a layer with height and width (gradcam layers lists them).",
    );
  }
  return { data: numbers(tensor), height: cells[0], width: cells[1] };
}

/**
 * @param {Tensor} tensor
 * @returns {Float32Array}
 */
export function numbers({ data, type }) {
  if (data instanceof Float32Array) return data;
  if (type === "float16" && data instanceof Uint16Array) return whole(data);
  return Float32Array.from(data, Number);
}

/** @param {Tensors} results */
export function floorOf(results) {
  const given = results.cam_noise_floor;
  if (given) return numbers(given)[0];
  const layer = layerOf(results);
  return layer === null ? 0 : noiseFloor(layer);
}

/**
 * A, alpha and G of a single layer, where the file gives them.
 * @param {Tensors} results
 */
function layerOf(results) {
  const { cam_activations: A, cam_alpha: alpha, cam_gradients: G, cam_map: map } = results;
  if (!A || !alpha || !map) return null;
  const places = map.dims.slice(1).reduce((a, b) => a * b, 1);
  const found = { A: numbers(A), alpha: numbers(alpha), G: G ? numbers(G) : null, places };
  const channelsFirst = A.dims.length === map.dims.length + 1 && A.dims[2] === map.dims[1];
  return channelsFirst ? found : null;
}

/**
 * Why the map shows nothing.
 * @param {Tensors} results
 * @param {Float32Array} y
 * @param {number} score
 * @param {Grid} signed
 * @param {number} floor
 */
export function reasonOf(results, y, score, signed, floor) {
  const layer = layerOf(results);
  return diagnose({ y, score, probability: false, layer, signed: signed.data, floor });
}
