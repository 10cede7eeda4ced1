// @ts-check
/** The page's side of the worker: a call is a message, its answer a promise. */

/** @typedef {(task: string, asked?: object, transfer?: Transferable[]) => Promise<any>} Call */

/**
 * Once it is ended it answers what was asked before.
 * @returns {{call: Call, end: () => void}}
 */
export function start() {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  let last = 0;
  let ending = false;
  const rest = () => {
    if (ending && waiting.size === 0) worker.terminate();
  };
  worker.addEventListener("message", ({ data: { id, result, error } }) => {
    const one = waiting.get(id);
    waiting.delete(id);
    rest();
    if (error === undefined) one?.resolve(result);
    else one?.reject(new Error(error));
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    const why = event.message || "the worker could not be loaded";
    for (const one of waiting.values()) one.reject(new Error(`The page's worker stopped: ${why}.`));
    waiting.clear();
  });
  /** @type {Call} */
  const call = (task, asked = {}, transfer = []) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      worker.postMessage({ id: last, task, asked }, transfer);
    });
  const end = () => {
    ending = true;
    rest();
  };
  return { call, end };
}
