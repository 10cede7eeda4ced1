// @ts-check
/** The page: what was picked, dropped or filmed goes to the worker, and what it says is shown. */
import { one, said, shown } from "./dom.js";
import { lookAll, repaint } from "./looking.js";
import { opened } from "./models.js";
import { stayOffline } from "./offline.js";
import { page } from "./page.js";
import { listSamples, pick, receive } from "./photos.js";
import { tried } from "./tried.js";
import { faster } from "./webgpu.js";

/** @typedef {import("./photos.js").Sample} Sample */
/** @typedef {import("./types.d.ts").Listed} Listed */
/** @typedef {import("./types.d.ts").View} View */
/** @typedef {{models: Listed[], samples: Sample[], runtime: string}} Site */

const asked = new URLSearchParams(location.search);

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

/** How the map is painted. */
function view() {
  const { how } = page;
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
  const { models, photo, how, runsOn } = page;
  const wish = asked.get("runtime");
  if (wish === "wasm" || models.length === 0 || photo?.source == null) return;
  const found = await faster(models, { ...photo, source: photo.source }, how, wish === "webgpu");
  if (found === null) return;
  if (typeof found === "string") {
    if (wish === "webgpu") said("#engine", `Runs on ${runsOn}; ${found}`);
    return;
  }
  if (page.photo !== photo) return found.runner.end(); // it knows the photo that was there
  page.runner.end();
  page.runner = found.runner;
  page.runsOn = found.said;
  await lookAll();
}

if (/** @type {any} */ (globalThis).lacking?.length === 0) {
  receive();
  view();
  await stayOffline(asked.has("offline"));
  await tried(begin);
  document.documentElement.dataset.ready = "true";
  await tried(speedUp);
  document.documentElement.dataset.settled = "true";
}
