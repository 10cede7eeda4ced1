// @ts-check
/** What may be refused: one sentence in the page, and the counter of requests after it. */
import { one, said, shown } from "./dom.js";
import { page } from "./page.js";
import { watch } from "./requests.js";

export const recount = watch(one("#requests"), one("#requests-told"), one("#requests-list"), () => [
  page.runner.call,
]);

/**
 * Do something that may be refused: the sentence is shown, and nothing is tried again.
 * @param {() => Promise<unknown>} work
 */
export async function tried(work) {
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
  if (page.models.every((model) => model.look === null)) said("#status", "");
}
