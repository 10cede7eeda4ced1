// @ts-check
/** Every model looks at what is there, and what it says is shown. */
import { agreement } from "./agreement.js";
import { one, said, shown } from "./dom.js";
import { page } from "./page.js";
import { measured, pictured, worded } from "./show.js";
import { recount } from "./tried.js";

/** @typedef {import("./types.d.ts").Ask} Ask */
/** @typedef {import("./types.d.ts").Look} Look */

let painting = false;

/** Every model looks at the photo. */
export async function lookAll() {
  for (let at = 0; at < page.models.length; at++) await lookAt(at);
  compared();
  statusOf();
  void recount();
}

/** @param {number} at */
async function lookAt(at) {
  const { ask, article } = page.models[at];
  article.classList.add("waiting");
  try {
    found(at, await page.runner.call("look", { at, ask, how: page.how }));
  } finally {
    article.classList.remove("waiting");
  }
  if (performance.getEntriesByName("explained").length === 0) performance.mark("explained");
}

/**
 * What a model says of a photo, from now on.
 * @param {number} at
 * @param {Look} look
 */
export function found(at, look) {
  const model = page.models[at];
  model.look = look;
  pictured(model.article, look);
  worded(model.article, model.facts, look, page.photo?.name ?? "");
}

/**
 * Another class, box or region of one model; the other model is asked for the same class.
 * @param {number} at
 * @param {Ask} ask
 */
export async function choose(at, ask) {
  const { models } = page;
  models[at].ask = ask;
  const both = "class" in ask && models.length > 1 && sameClasses();
  if (both) for (const model of models) model.ask = ask;
  if (page.stop !== null) return; // the next frame is asked for it
  if (both) return lookAll();
  await lookAt(at);
  compared();
  statusOf();
}

function sameClasses() {
  const labels = page.models.map((model) => JSON.stringify(model.facts.labels));
  const ranked = page.models.every((model) => model.facts.head.kind === "classes");
  return ranked && labels[0] === labels[1];
}

/** How alike two maps are, where there are two. */
export function compared() {
  const looks = page.models.flatMap((model) => (model.look === null ? [] : [model.look]));
  const two = looks.length === 2;
  shown(one("#agreement"), two);
  if (two) measured(one("#measures"), agreement(looks[0].signed, looks[1].signed), looks);
}

export function statusOf() {
  const { models, photo, runsOn } = page;
  const spent = models.reduce((sum, model) => sum + (model.look?.milliseconds ?? 0), 0);
  said("#status", `${photo?.name ?? ""}: ${Math.round(spent)} ms, ${runsOn}`);
  said("#engine", `Runs on ${runsOn}`);
}

/** Paint what is there in another view; while one is being painted the newest wish waits. */
export async function repaint() {
  if (painting || page.stop !== null) return; // the next frame is painted so
  painting = true;
  try {
    let wished = "";
    while (wished !== JSON.stringify(page.how)) {
      wished = JSON.stringify(page.how);
      for (let at = 0; at < page.models.length; at++) {
        const model = page.models[at];
        if (model.look === null) continue;
        model.look = await again(at);
        pictured(model.article, model.look);
      }
    }
  } finally {
    painting = false;
  }
}

/**
 * The last look of a model with its exact picture.
 * @param {number} at
 * @returns {Promise<Look>}
 */
export function again(at) {
  return page.runner.call("again", { at, how: { ...page.how } });
}
