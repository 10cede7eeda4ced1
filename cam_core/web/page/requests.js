// @ts-check
/** Every request that the page and its worker make, counted where all can see it. */

/** @typedef {import("./runner.js").Call} Call */

const HERE = new URL(".", document.baseURI).href;

/**
 * @param {HTMLElement} count
 * @param {HTMLElement} told
 * @param {HTMLElement} list
 * @param {() => Call[]} workers
 * @returns {() => Promise<void>} what counts anew
 */
export function watch(count, told, list, workers) {
  /** @type {Set<string>} */
  const own = new Set();
  let blocked = 0;
  let asked = 0;
  const observer = new PerformanceObserver((entries) => {
    for (const entry of entries.getEntries()) own.add(`${asked++} ${entry.name}`);
    void again();
  });
  observer.observe({ type: "resource", buffered: true });
  document.addEventListener("securitypolicyviolation", () => {
    blocked += 1;
    void again();
  });
  const again = async () => {
    const theirs = (await Promise.all(workers().map((call) => call("requests")))).flat();
    const all = [...[...own].map((name) => name.replace(/^\d+ /, "")), ...theirs].filter(
      (name) => !name.startsWith("blob:") && !name.startsWith("data:"),
    );
    const elsewhere = all.filter((name) => !name.startsWith(HERE));
    const where = elsewhere.length === 0 ? "all to this folder" : `${elsewhere.length} elsewhere`;
    count.textContent = `${all.length} requests, ${where}`;
    count.closest("details")?.classList.toggle("bad", elsewhere.length > 0);
    told.textContent =
      `${all.length} requests so far, ${elsewhere.length} of them to anywhere else` +
      `${blocked > 0 ? `, ${blocked} blocked` : ""}:`;
    const names = [...new Set(all)].map((name) => name.replace(HERE, ""));
    list.replaceChildren(
      ...names.map((name) =>
        Object.assign(document.createElement("li"), { textContent: name || "./" }),
      ),
    );
  };
  return again;
}
