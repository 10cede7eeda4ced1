// @ts-check
/// <reference lib="webworker" />
/**
 * Keeps the folder for later visits without a network, and lets pages share memory (threads) on
 * hosts that cannot send headers themselves.
 */

/** @type {ServiceWorkerGlobalScope} */
const scope = /** @type {any} */ (self);
const CACHE = "site-__VERSION__";
/** What the page needs before it asks for anything, written in by `gradcam web`. */
const SHELL = /** @type {string[]} */ (["__SHELL__"]);
/** @type {Record<string, string>} */
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'",
};

scope.addEventListener("install", (event) => event.waitUntil(kept()));
scope.addEventListener("activate", (event) => event.waitUntil(taken()));

async function kept() {
  await Promise.all(SHELL.map((name) => answered(new Request(name, { cache: "no-cache" }))));
  await scope.skipWaiting();
}

async function taken() {
  for (const name of await caches.keys())
    if (name.startsWith("site-") && name !== CACHE) await caches.delete(name);
  await scope.clients.claim();
}

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const inside = request.url.startsWith(scope.registration.scope);
  if (request.method !== "GET" || !inside) return;
  event.respondWith(answered(request));
});

/**
 * What was kept, else what the network gives, which is kept from then on.
 * @param {Request} request
 */
async function answered(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept !== undefined) return kept;
  const found = await fetch(request);
  if (!found.ok) return found;
  const headers = new Headers(found.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  const whole = new Response(found.body, { status: found.status, headers });
  await cache.put(request, whole.clone());
  return whole;
}
