// @ts-check
/** The models of the page: those of its folder, or one that was dropped. */
import { one, said, shown } from "./dom.js";
import { choose, lookAll } from "./looking.js";
import { page } from "./page.js";
import { savePicture, saveRecording } from "./save.js";
import { emptied } from "./show.js";
import { tried } from "./tried.js";

/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").Listed} Listed */

/**
 * A model of the folder, or one that was dropped, which takes the place of all others.
 * @param {Listed | null} listed
 * @param {File | null} file
 */
export async function opened(listed, file) {
  const { runner, models } = page;
  const at = file === null ? models.length : 0;
  const name = listed?.name ?? file?.name ?? "";
  said("#status", `Opening ${name} ...`);
  // a camera goes on meanwhile, and the new model may not have the class of the old one
  const asks = models.map(({ ask }) => ask);
  if (file !== null) for (const model of models) model.ask = { class: -1 };
  const found = await runner.call("open", { at, listed, file, provider: "wasm" }).catch((error) => {
    for (const [i, ask] of asks.entries()) models[i].ask = ask; // it was refused
    throw error;
  });
  const gone = file === null ? [] : models.splice(0);
  for (const model of gone) model.article.remove();
  const article = articleOf(found.facts, at);
  one("#stage").append(article);
  models.push({ facts: found.facts, listed, file, ask: { class: -1 }, look: null, article });
  named();
  const threads = found.threads > 1 ? `${found.threads} threads` : "1 thread";
  page.runsOn = `WebAssembly, ${threads}`;
  for (let i = 1; i < gone.length; i++) await runner.call("close", { at: i }); // no frame asks it
  if (file !== null && page.photo !== null) await lookAll();
}

/**
 * @param {Facts} facts
 * @param {number} at
 */
function articleOf(facts, at) {
  const article = emptied(facts, (ask) => void tried(() => choose(at, ask)));
  article.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-save]") : null;
    const what = button instanceof HTMLElement ? button.dataset.save : undefined;
    if (what !== undefined) void tried(() => save(what, at));
  });
  return article;
}

/** The page's own words where models came or went. */
function named() {
  const { models } = page;
  const names = models.map((model) => model.facts.name).join(" and ");
  one("#stage").classList.toggle("two", models.length > 1);
  said("#model", names);
  document.title = `Where ${names} looks`;
  shown(one("#welcome"), false);
  shown(one("#agreement"), false);
}

/**
 * @param {string} what
 * @param {number} at
 */
async function save(what, at) {
  const { models, photo, runner, how } = page;
  const model = models[at];
  if (model.look === null) throw new Error("There is nothing to save yet: choose a photo.");
  const several = models.length > 1;
  if (what === "picture") {
    // of a camera: the newest frame with its words, painted as a photo is
    await savePicture({ ...model, look: await runner.call("again", { at, how }) }, photo, several);
  } else saveRecording(model, photo, several, await runner.call("record", { at }));
}
