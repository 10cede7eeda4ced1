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

/** @type {object | null} Who waits for the camera; a photo that comes meanwhile ends that. */
let waiting = null;

/** Film until it is stopped or refused; stop where it is filmed. */
export async function filmed() {
  if (page.stop !== null) return endFilming();
  if (page.models.length === 0) {
    throw new Error("Drop a model first: the camera needs one to look.");
  }
  if (waiting !== null) return;
  const camera = await given();
  if (camera === null) return;
  const { next, ready, stop } = camera;
  const before = page.photo;
  const photo = { name: "camera", source: null };
  [page.stop, page.photo] = [stop, photo];
  pressed(true);
  const { see, any } = seer(stop);
  try {
    await film({ next, ready, see, show: shower(stop) });
  } catch (error) {
    if (page.photo === photo) statusOf(); // it is live no more
    throw error;
  } finally {
    if (page.stop === stop) endFilming();
    if (page.photo === photo && !any()) page.photo = before; // the models saw no other
  }
  if (page.stop === null && page.photo === photo) await still();
}

/** The camera; null where nobody waits for it any more. */
async function given() {
  const own = {};
  waiting = own;
  try {
    const camera = await frames(/** @type {HTMLVideoElement} */ (one("#video")));
    if (waiting === own) return camera;
    camera.stop();
  } catch (error) {
    if (waiting === own) throw error;
  } finally {
    if (waiting === own) waiting = null;
  }
  return null;
}

/** @typedef {{model: import("./page.js").Model, look: Look}[]} Seen */

/**
 * What sends a frame to the worker, and whether one was.
 * @param {() => void} stop what ends this film
 */
function seer(stop) {
  let sent = false;
  /** @param {ImageBitmap} frame @returns {Promise<Seen>} */
  const see = async (frame) => {
    const source = await createImageBitmap(frame); // it is moved, and the frame stays to be drawn
    if (page.stop !== stop) {
      source.close(); // after a photo it would take that one's place
      return [];
    }
    if (!sent) unpressed();
    sent = true;
    const models = [...page.models];
    const asks = models.map(({ ask }) => ask);
    const asked = { source, asks, how: { ...page.how, live: true } };
    /** @type {Look[]} */
    const looks = await page.runner.call("frame", asked, [source]);
    return looks.map((look, at) => ({ model: models[at], look }));
  };
  return { see, any: () => sent };
}

/**
 * What shows what was seen, as long as this film goes on.
 * @param {() => void} stop
 */
function shower(stop) {
  const [count, due] = [counter(), every(WORDS)];
  /** @param {Seen} seen @param {ImageBitmap} frame */
  return (seen, frame) => {
    if (page.stop !== stop) return;
    drawn(seen, frame);
    if (due()) told();
    count();
  };
}

/** No sample is what the models look at. */
function unpressed() {
  for (const sample of one("#samples").querySelectorAll("[aria-pressed=true]")) {
    sample.setAttribute("aria-pressed", "false");
  }
}

/**
 * @param {Seen} seen
 * @param {ImageBitmap} frame
 */
function drawn(seen, frame) {
  for (const { model, look } of seen) {
    if (!page.models.includes(model)) continue; // another one was dropped meanwhile
    model.look = look;
    pictured(model.article, look, frame);
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
  for (const [at, model] of [...page.models].entries()) {
    const look = await again(at);
    if (page.models[at] === model) found(at, look);
  }
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
  waiting = null;
  page.stop?.();
  page.stop = null;
  pressed(false);
}

/** @param {boolean} filming */
function pressed(filming) {
  one("#camera").setAttribute("aria-pressed", String(filming));
  one("#camera").textContent = filming ? "Stop" : "Camera";
}
