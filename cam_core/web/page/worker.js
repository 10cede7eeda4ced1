// @ts-check
/** Where models run, so that the page never freezes: one message, one reply. */
import { again, look, open, record } from "./engine.js";
import { factsOf, MOST } from "./facts.js";
import { decode } from "./photo.js";
import { Refusal, sentence, tooLarge } from "./refusal.js";

/** @typedef {import("./engine.js").Engine} Engine */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Photo} Photo */

/** @type {Map<number, Engine>} */
const engines = new Map();
/** @type {Photo | null} */
let photo = null;
/** @type {Promise<any> | null} */
let runtime = null;

const BUNDLES = { wasm: "ort.wasm.min.mjs", webgpu: "ort.webgpu.min.mjs" };

/**
 * onnxruntime-web of one provider, loaded once.
 * @param {"wasm" | "webgpu"} provider
 */
async function loaded(provider) {
  const folder = new URL("./runtime/", import.meta.url);
  const ort = await import(new URL(BUNDLES[provider], folder).href);
  ort.env.wasm.wasmPaths = folder.href;
  ort.env.wasm.numThreads = threads();
  ort.env.logLevel = "error";
  return ort;
}

/** One everywhere; more where the host lets a page share memory. */
function threads() {
  return globalThis.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
}

/**
 * @param {string} address
 * @param {string} name
 */
async function fetched(address, name) {
  const answer = await fetch(new URL(address, import.meta.url));
  if (!answer.ok) throw new Refusal(`${name} is not in the page's folder: ${answer.status}.`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** @type {Record<string, (asked: any) => Promise<any>>} */
const TASKS = {
  /** A model of the folder (listed), or one that was dropped (file). */
  async open({ at, listed, file, provider }) {
    const name = listed?.name ?? file.name;
    const size = listed?.bytes ?? file.size;
    try {
      if (size >= MOST) throw new Refusal(tooLarge(name, size));
      runtime ??= loaded(provider); // while the model comes
      const bytes = file
        ? new Uint8Array(await file.arrayBuffer())
        : await fetched(listed.file, name);
      const facts = factsOf(bytes, name, listed?.notes);
      const engine = await open(await runtime, facts, bytes, provider);
      await engines.get(at)?.session.release();
      engines.set(at, engine);
      return { facts, threads: threads() };
    } catch (error) {
      throw new Refusal(sentence(error, name, size));
    }
  },
  async close({ at }) {
    await engines.get(at)?.session.release();
    engines.delete(at);
    return {};
  },
  /** A photo as a file, a frame as a bitmap. */
  async photo({ source, name }) {
    photo = await decode(source, name);
    return { height: photo.height, width: photo.width };
  },
  async look({ at, ask, how }) {
    const engine = engineAt(at);
    if (photo === null) throw new Refusal("There is no photo yet.");
    try {
      return await look(engine, photo, ask, how);
    } catch (error) {
      throw new Refusal(sentence(error, engine.facts.name, engine.facts.bytes));
    }
  },
  /** A frame of the camera, for all models. */
  async frame({ source, asks, how }) {
    await TASKS.photo({ source, name: "camera" });
    const looks = [];
    for (const [at, ask] of asks.entries()) looks.push(await TASKS.look({ at, ask, how }));
    return looks;
  },
  async again({ at, how }) {
    return again(engineAt(at), how);
  },
  async record({ at }) {
    return record(engineAt(at));
  },
  async requests() {
    return performance.getEntriesByType("resource").map((entry) => entry.name);
  },
};

/** @param {number} at */
function engineAt(at) {
  const found = engines.get(at);
  if (found === undefined) throw new Refusal("There is no model yet.");
  return found;
}

/** Messages are answered one after another: a session runs one photo at a time. */
let before = Promise.resolve();
addEventListener("message", ({ data: { id, task, asked } }) => {
  before = before.then(async () => {
    try {
      const result = await TASKS[task](asked);
      const pictures = [result].flat().map((one) => one.picture ?? one.overlay?.picture);
      const moved = pictures.flatMap((one) => (one === undefined ? [] : [one.data.buffer]));
      postMessage({ id, result }, { transfer: moved });
    } catch (error) {
      postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
});
postMessage({ id: 0, result: { ready: true } });
