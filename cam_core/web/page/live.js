// @ts-check
/** The camera: every frame goes to the worker, and what the models say of it is shown. */
import { frames } from "./camera.js";
import { one, said } from "./dom.js";
import { film } from "./film.js";
import { again, compared, found, statusOf } from "./looking.js";
import { page } from "./page.js";
import { pictured, worded } from "./show.js";

/** @typedef {import("./types.d.ts").Look} Look */

/** Milliseconds between two rates, and between two sentences: nobody reads faster. */
const RATE = 1000;
const WORDS = 120;

/** Film until it is stopped or refused; stop where it is filmed. */
export async function filmed() {
  if (page.stop !== null) return endFilming();
  if (page.models.length === 0) {
    throw new Error("Drop a model first: the camera needs one to look.");
  }
  const { next, ready, stop } = await frames(/** @type {HTMLVideoElement} */ (one("#video")));
  page.stop = stop;
  page.photo = { name: "camera", source: null };
  pressed(true);
  for (const sample of one("#samples").querySelectorAll("[aria-pressed=true]")) {
    sample.setAttribute("aria-pressed", "false");
  }
  const [count, due] = [counter(), every(WORDS)];
  /** @param {Look[]} looks @param {ImageBitmap} frame */
  const show = (looks, frame) => {
    drawn(looks, frame);
    if (due()) told();
    count();
  };
  try {
    await film({ next, ready, see, show });
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
  const source = await createImageBitmap(frame); // it is moved, and the frame stays to be drawn
  const asks = page.models.map(({ ask }) => ask);
  return page.runner.call("frame", { source, asks, how: { ...page.how, live: true } }, [source]);
}

/**
 * @param {Look[]} looks
 * @param {ImageBitmap} frame
 */
function drawn(looks, frame) {
  for (const [at, model] of page.models.entries()) {
    model.look = looks[at]; // a model that was dropped meanwhile takes the place of two
    pictured(model.article, model.look, frame);
  }
}

/** The words of all models. */
function told() {
  for (const { article, facts, look } of page.models) {
    if (look !== null) worded(article, facts, look, "camera");
  }
  compared();
}

/** The last frame as it stays: every model's exact picture. */
async function still() {
  for (let at = 0; at < page.models.length; at++) found(at, await again(at));
  compared();
  statusOf();
}

/**
 * Is it time again?
 * @param {number} pause
 */
function every(pause) {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const due = performance.now() - last >= pause;
    if (due) last = performance.now();
    return due;
  };
}

/** Tells how many pictures there are a second, now and then. */
function counter() {
  let since = performance.now();
  let count = 0;
  return () => {
    count += 1;
    const spent = performance.now() - since;
    if (spent < RATE) return;
    said(
      "#status",
      `Live, ${((1000 * count) / spent).toFixed(1)} pictures a second, ${page.runsOn}`,
    );
    [since, count] = [performance.now(), 0];
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
