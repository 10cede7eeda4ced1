// @ts-check
/** WebGPU takes over only after it gave the same answers and the same map as WebAssembly. */
import { limits } from "./heat.js";
import { general } from "./numbers.js";
import { start } from "./runner.js";

/** @typedef {import("./page.js").Model} Model */
/** @typedef {import("./types.d.ts").Look} Look */

/** Of the largest number of the map. */
const CLOSE = 1e-3;

/**
 * What runs on WebGPU from now on; null where there is none, in words why it is not taken.
 * @param {Model[]} models
 * @param {{name: string, source: Blob}} photo
 * @param {object} how
 * @param {boolean} forced also where it is slower
 * @returns {Promise<{runner: ReturnType<typeof start>, said: string} | string | null>}
 */
export async function faster(models, photo, how, forced) {
  const gpu = /** @type {{requestAdapter(): Promise<object | null>} | undefined} */ (
    /** @type {any} */ (navigator).gpu
  );
  if (gpu === undefined) return forced ? "this browser has no WebGPU" : null;
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (adapter === null) return forced ? "this machine has no WebGPU" : null;
  const runner = start();
  try {
    const found = await compared(runner, models, photo, how, forced);
    if (typeof found === "string") runner.end();
    return typeof found === "string" ? found : { runner, said: found.said };
  } catch (error) {
    runner.end();
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * @param {ReturnType<typeof start>} runner
 * @param {Model[]} models
 * @param {{name: string, source: Blob}} photo
 * @param {object} how
 * @param {boolean} forced
 */
async function compared(runner, models, photo, how, forced) {
  let [worst, before, after] = [0, 0, 0];
  for (const [at, { listed, file }] of models.entries()) {
    await runner.call("open", { at, listed, file, provider: "webgpu" });
  }
  await runner.call("photo", { source: photo.source, name: photo.name });
  for (const [at, { look, ask }] of models.entries()) {
    if (look === null) return "there was nothing to compare it with";
    /** @type {Look} */
    const found = await runner.call("look", { at, ask, how });
    worst = Math.max(worst, apart(found, look));
    if (forced) continue;
    const again = await runner.call("look", { at, ask, how }); // the first one compiles
    before += look.milliseconds;
    after += again.milliseconds;
  }
  if (!(worst < CLOSE)) return `WebGPU gives another map (apart by ${general(worst, 2)} of it)`;
  if (after > before) return "WebGPU is slower here";
  return { said: `WebGPU (its map is WebAssembly's within ${general(worst, 2)})` };
}

/**
 * How far two looks are apart, as a part of the map; 1 where they see another class.
 * @param {Look} a
 * @param {Look} b
 */
function apart(a, b) {
  if (a.which !== b.which || a.map.data.length !== b.map.data.length) return 1;
  let most = Math.abs(a.score - b.score) / Math.max(Math.abs(b.score), 1);
  const { high } = limits(b.map.data);
  for (let i = 0; i < a.map.data.length; i++) {
    most = Math.max(most, Math.abs(a.map.data[i] - b.map.data[i]) / (high || 1));
  }
  return Number.isNaN(most) ? 1 : most;
}
