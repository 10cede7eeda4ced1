// @ts-check
/** The page: what was picked, dropped or filmed goes to the worker, and what it says is shown. */
import { agreement } from "./agreement.js";
import { frames } from "./camera.js";
import { one, said, shown } from "./dom.js";
import { MOST } from "./facts.js";
import { stayOffline } from "./offline.js";
import { tooLarge } from "./refusal.js";
import { watch } from "./requests.js";
import { start } from "./runner.js";
import { savePicture, saveRecording } from "./save.js";
import { emptied, measured, pictured, rendered } from "./show.js";
import { faster } from "./webgpu.js";

/** @typedef {import("./runner.js").Call} Call */
/** @typedef {import("./types.d.ts").Ask} Ask */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Look} Look */
/** @typedef {import("./types.d.ts").View} View */
/** @typedef {import("./types.d.ts").Listed} Listed */
/** @typedef {{facts: Facts, listed: Listed | null, file: File | null, ask: Ask, look: Look | null, article: HTMLElement}}
 *   Model */
/** @typedef {{name: string, file: string}} Sample */
/** @typedef {{models: Listed[], samples: Sample[], runtime: string}} Site */

const asked = new URLSearchParams(location.search);
let runner = start();
/** @type {Model[]} */
const models = [];
/** @type {import("./types.d.ts").How} */
const how = { view: "heat", weight: 0.5 };
/** @type {{name: string, source: Blob | null} | null} */
let photo = null;
/** @type {(() => void) | null} */
let stopFilming = null;
let runsOn = "WebAssembly";
let painting = false;

const recount = watch(one("#requests"), one("#requests-told"), one("#requests-list"), () => [
  runner.call,
]);

/**
 * Do something that may be refused: the sentence is shown, and nothing is tried again.
 * @param {() => Promise<unknown>} work
 */
async function tried(work) {
  shown(one("#alert"), false);
  try {
    await work();
  } catch (error) {
    refuse(error instanceof Error ? error.message : String(error));
  }
  void recount();
}

/** @param {string} sentence */
function refuse(sentence) {
  said("#alert", sentence);
  shown(one("#alert"), true);
  if (models.every((model) => model.look === null)) said("#status", "");
}

async function begin() {
  const answer = await fetch("site.json");
  if (!answer.ok)
    throw new Error("site.json is missing beside the page: write it with gradcam web.");
  /** @type {Site} */
  const site = await answer.json();
  listSamples(site.samples);
  for (const listed of site.models) await opened(listed, null);
  shown(one("#welcome"), site.models.length === 0);
  if (site.models.length === 0) return said("#status", "Ready for a model.");
  if (site.samples.length > 0) await pick(site.samples[0]);
  else said("#status", "Ready: choose a photo, paste one, or drop it here.");
}

/**
 * A model of the folder, or one that was dropped, which takes the place of all others.
 * @param {Listed | null} listed
 * @param {File | null} file
 */
async function opened(listed, file) {
  const at = file === null ? models.length : 0;
  const name = listed?.name ?? file?.name ?? "";
  said("#status", `Opening ${name} ...`);
  const provider = "wasm";
  const found = await runner.call("open", { at, listed, file, provider });
  if (file !== null) {
    for (let i = 1; i < models.length; i++) await runner.call("close", { at: i });
    for (const model of models.splice(0)) model.article.remove();
  }
  const article = emptied(found.facts, (ask) => void tried(() => choose(at, ask)));
  article.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-save]") : null;
    const what = button instanceof HTMLElement ? button.dataset.save : undefined;
    if (what !== undefined) void tried(() => save(what, at));
  });
  one("#stage").append(article);
  models.push({ facts: found.facts, listed, file, ask: { class: -1 }, look: null, article });
  one("#stage").classList.toggle("two", models.length > 1);
  const names = models.map((model) => model.facts.name).join(" and ");
  said("#model", names);
  document.title = `Where ${names} looks`;
  shown(one("#welcome"), false);
  shown(one("#agreement"), false);
  runsOn = found.threads > 1 ? `WebAssembly, ${found.threads} threads` : "WebAssembly, 1 thread";
  if (file !== null && photo !== null) await lookAll();
}

/** @param {Sample[]} samples */
function listSamples(samples) {
  const buttons = samples.map((sample) => {
    const button = document.createElement("button");
    button.type = "button";
    const image = Object.assign(new Image(), { src: sample.file, alt: sample.name });
    button.append(image);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => void tried(() => pick(sample)));
    button.dataset.name = sample.name;
    return button;
  });
  one("#samples").replaceChildren(...buttons);
}

/** @param {Sample} sample */
async function pick(sample) {
  const answer = await fetch(sample.file);
  await take(await answer.blob(), sample.name);
}

/**
 * A photo from anywhere: read, and shown to every model.
 * @param {Blob} source
 * @param {string} name
 */
async function take(source, name) {
  endFilming();
  await runner.call("photo", { source, name });
  photo = { name, source };
  for (const button of one("#samples").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.name === name));
  }
  if (models.length === 0) return said("#status", `${name} is here: now drop a model.`);
  for (const model of models) model.ask = { class: -1 };
  await lookAll();
}

/** Every model looks at the photo. */
async function lookAll() {
  for (let at = 0; at < models.length; at++) await lookAt(at);
  compared();
  statusOf();
  void recount();
}

/**
 * @param {number} at
 * @param {boolean} live a frame of the camera, painted small
 */
async function lookAt(at, live = false) {
  const model = models[at];
  model.article.classList.add("waiting");
  try {
    model.look = await runner.call("look", { at, ask: model.ask, how: { ...how, live } });
  } finally {
    model.article.classList.remove("waiting");
  }
  rendered(model.article, model.facts, /** @type {Look} */ (model.look), photo?.name ?? "");
  if (performance.getEntriesByName("explained").length === 0) performance.mark("explained");
}

/**
 * Another class, box or region of one model; the other model is asked for the same class.
 * @param {number} at
 * @param {Ask} ask
 */
async function choose(at, ask) {
  models[at].ask = ask;
  const both = "class" in ask && models.length > 1 && sameClasses();
  if (both) for (const model of models) model.ask = ask;
  if (stopFilming !== null) return;
  if (both) return lookAll();
  await lookAt(at);
  compared();
  statusOf();
}

function sameClasses() {
  const labels = models.map((model) => JSON.stringify(model.facts.labels));
  return models.every((model) => model.facts.head.kind === "classes") && labels[0] === labels[1];
}

/**
 * @param {string} what
 * @param {number} at
 */
async function save(what, at) {
  const model = models[at];
  if (model.look === null) throw new Error("There is nothing to save yet: choose a photo.");
  const several = models.length > 1;
  if (what === "picture") {
    if (stopFilming !== null) model.look.picture = await runner.call("paint", { at, how });
    await savePicture({ ...model, look: model.look }, photo, several);
  } else saveRecording(model, photo, several, await runner.call("record", { at }));
}

function compared() {
  const looks = models.flatMap((model) => (model.look === null ? [] : [model.look]));
  const two = looks.length === 2;
  shown(one("#agreement"), two);
  if (two) measured(one("#measures"), agreement(looks[0].signed, looks[1].signed), looks);
}

function statusOf(rate = "") {
  const spent = models.reduce((sum, model) => sum + (model.look?.milliseconds ?? 0), 0);
  said("#status", rate || `${photo?.name ?? ""}: ${Math.round(spent)} ms, ${runsOn}`);
  said("#engine", `Runs on ${runsOn}`);
}

/** Paint what is there in another view; while one is being painted the newest wish waits. */
async function repaint() {
  if (painting) return;
  painting = true;
  try {
    let wished = "";
    while (wished !== JSON.stringify(how)) {
      wished = JSON.stringify(how);
      for (let at = 0; at < models.length; at++) {
        const { look, article } = models[at];
        if (look === null) continue;
        look.picture = await runner.call("paint", { at, how: JSON.parse(wished) });
        pictured(article, look);
      }
    }
  } finally {
    painting = false;
  }
}

/** The camera, frame after frame, until it is stopped or refused. */
async function film() {
  if (stopFilming !== null) return endFilming();
  if (models.length === 0) throw new Error("Drop a model first: the camera needs one to look.");
  const button = one("#camera");
  const { next, stop } = await frames(/** @type {HTMLVideoElement} */ (one("#video")));
  stopFilming = stop;
  photo = { name: "camera", source: null };
  button.setAttribute("aria-pressed", "true");
  button.textContent = "Stop";
  for (const pressed of one("#samples").querySelectorAll("[aria-pressed=true]")) {
    pressed.setAttribute("aria-pressed", "false");
  }
  /** @type {number[]} */
  const times = [];
  try {
    while (stopFilming === stop) {
      const bitmap = await next();
      if (bitmap === null) break;
      await runner.call("photo", { source: bitmap, name: "camera" }, [bitmap]);
      for (let at = 0; at < models.length; at++) await lookAt(at, true);
      compared();
      times.push(performance.now());
      if (times.length > 20) times.shift();
      const rate = (1000 * (times.length - 1)) / (times[times.length - 1] - times[0] || 1);
      if (times.length > 2) statusOf(`Live, ${rate.toFixed(1)} pictures a second, ${runsOn}`);
    }
  } finally {
    if (stopFilming === stop) endFilming();
  }
}

function endFilming() {
  stopFilming?.();
  stopFilming = null;
  one("#camera").setAttribute("aria-pressed", "false");
  one("#camera").textContent = "Camera";
  if (photo?.name === "camera") void repaint(); // the last frame at its full size
}

/**
 * Whatever was dropped, pasted or chosen.
 * @param {File | null | undefined} file
 */
async function received(file) {
  if (!file) return;
  if (/\.onnx$/i.test(file.name)) {
    if (file.size >= MOST) throw new Error(tooLarge(file.name, file.size));
    return opened(null, file);
  }
  return take(file, file.name || "pasted.png");
}

function listen() {
  const input = /** @type {HTMLInputElement} */ (one("#file"));
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    void tried(() => received(file));
    input.value = "";
  });
  one("#camera").addEventListener("click", () => void tried(film));
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) void tried(() => received(file));
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    shown(one("#drop"), true);
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) shown(one("#drop"), false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    shown(one("#drop"), false);
    const file = event.dataTransfer?.files[0];
    void tried(() => received(file));
  });
  const opacity = /** @type {HTMLInputElement} */ (one("#opacity"));
  opacity.addEventListener("input", () => {
    how.weight = 1 - opacity.valueAsNumber / 100;
    void tried(repaint);
  });
  for (const radio of document.querySelectorAll("input[name=view]")) {
    radio.addEventListener("change", () => {
      how.view = /** @type {View} */ (/** @type {HTMLInputElement} */ (radio).value);
      void tried(repaint);
    });
  }
}

/** WebGPU takes over where it exists, agrees and is not slower; asked for, also where it is. */
async function speedUp() {
  const wish = asked.get("runtime");
  if (wish === "wasm" || models.length === 0 || photo?.source == null) return;
  const found = await faster(models, { ...photo, source: photo.source }, how, wish === "webgpu");
  if (found === null) return;
  if (typeof found === "string") {
    if (wish === "webgpu") said("#engine", `Runs on ${runsOn}; ${found}`);
    return;
  }
  runner.end();
  runner = found.runner;
  runsOn = found.said;
  await lookAll();
}

if (/** @type {any} */ (globalThis).lacking?.length === 0) {
  listen();
  await stayOffline(asked.has("offline"));
  await tried(begin);
  document.documentElement.dataset.ready = "true";
  await tried(speedUp);
  document.documentElement.dataset.settled = "true";
}
