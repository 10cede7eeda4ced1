// @ts-check
/** What the page is about just now: one place that all its modules read. */
import { start } from "./runner.js";

/** @typedef {import("./types.d.ts").Ask} Ask */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").How} How */
/** @typedef {import("./types.d.ts").Listed} Listed */
/** @typedef {import("./types.d.ts").Look} Look */
/** @typedef {{facts: Facts, listed: Listed | null, file: File | null, ask: Ask, look: Look | null, article: HTMLElement}}
 *   Model */

/**
 * `source` is null of the camera, `stop` ends its filming, `runsOn` is what the page says of it.
 * @type {{runner: ReturnType<typeof start>, models: Model[], how: How,
 *   photo: {name: string, source: Blob | null} | null, stop: (() => void) | null,
 *   runsOn: string}}
 */
export const page = {
  runner: start(),
  models: [],
  how: { view: "heat", weight: 0.5 },
  photo: null,
  stop: null,
  runsOn: "WebAssembly",
};
