// @ts-check
/** The camera: every frame goes to the worker, and what the models say of it is shown. */
import { frames } from "./camera.js";
import { one, said } from "./dom.js";
import { film } from "./film.js";
import { again, compared, found, statusOf } from "./looking.js";
import { page } from "./page.js";

/** @typedef {import("./types.d.ts").Look} Look */

/** Milliseconds after which the rate is told anew. */
const TOLD = 1000;

/** Film until it is stopped or refused; stop where it is filmed. */
export async function filmed() {
  if (page.stop !== null) return endFilming();
  if (page.models.length === 0) {
    throw new Error("Drop a model first: the camera needs one to look.");
  }
  const { next, stop } = await frames(/** @type {HTMLVideoElement} */ (one("#video")));
  page.stop = stop;
  page.photo = { name: "camera", source: null };
  pressed(true);
  for (const sample of one("#samples").querySelectorAll("[aria-pressed=true]")) {
    sample.setAttribute("aria-pressed", "false");
  }
  const count = counter();
  /** @param {Look[]} looks @param {ImageBitmap} frame */
  const show = (looks, frame) => {
    // a model that was dropped meanwhile takes the place of two
    for (const [at] of page.models.entries()) found(at, looks[at], frame);
    compared();
    count();
  };
  try {
    await film({ next, see, show });
  } finally {
    if (page.stop === stop) endFilming();
  }
  if (page.stop === null && page.photo.name === "camera") await still();
}

/**
 * @param {ImageBitmap} frame
 * @returns {Promise<Look[]>}
 */
async function see(frame) {
  const { call } = page.runner;
  const copy = await createImageBitmap(frame);
  const how = { ...page.how, live: true };
  const [, ...looks] = await Promise.all([
    call("photo", { source: copy, name: "camera" }, [copy]),
    ...page.models.map(({ ask }, at) => call("look", { at, ask, how })),
  ]);
  return looks;
}

/** The last frame as it stays: every model's exact picture. */
async function still() {
  for (let at = 0; at < page.models.length; at++) found(at, await again(at));
  compared();
  statusOf();
}

/** Tells how many pictures there are a second, now and then. */
function counter() {
  let since = performance.now();
  let count = 0;
  return () => {
    count += 1;
    const now = performance.now();
    if (now - since < TOLD) return;
    const rate = ((1000 * count) / (now - since)).toFixed(1);
    said("#status", `Live, ${rate} pictures a second, ${page.runsOn}`);
    [since, count] = [now, 0];
  };
}

export function endFilming() {
  page.stop?.();
  page.stop = null;
  pressed(false);
}

/** @param {boolean} filming */
function pressed(filming) {
  one("#camera").setAttribute("aria-pressed", String(filming));
  one("#camera").textContent = filming ? "Stop" : "Camera";
}
