// @ts-check
/** The service worker: later visits need no network, and hosts without headers get threads. */

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const AGAIN = "reloaded for threads";

/**
 * Wait for it once; where a host sends no headers, load the page once more so that it has them.
 * @param {boolean} wanted also on this machine, where the next site would find the last one's
 */
export async function stayOffline(wanted) {
  const { serviceWorker } = navigator;
  if (!serviceWorker || (LOOPBACK.includes(location.hostname) && !wanted)) return;
  try {
    await serviceWorker.register("sw.js");
    await serviceWorker.ready;
    if (serviceWorker.controller === null) await controlled(serviceWorker);
    if (!globalThis.crossOriginIsolated && sessionStorage.getItem(AGAIN) === null) {
      sessionStorage.setItem(AGAIN, "yes");
      location.reload();
      await new Promise(() => {});
    }
  } catch {
    // a browser that forbids it has the page as it is
  }
}

/** @param {ServiceWorkerContainer} container */
function controlled(container) {
  return new Promise((resolve) => {
    container.addEventListener("controllerchange", resolve, { once: true });
    setTimeout(resolve, 2000);
  });
}
