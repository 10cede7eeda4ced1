// @ts-check
/** A look as a picture: painted point by point, or, of the camera, left to the browser. */
import { enlarged, paintHeat, paintPhoto, paintSigned, reduced } from "./colour.js";
import { heatmap, limits, resize } from "./heat.js";
import { outline } from "./outline.js";
import { overlay } from "./overlay.js";

/** @typedef {import("./engine.js").Seen} Seen */
/** @typedef {import("./types.d.ts").Facts} Facts */
/** @typedef {import("./types.d.ts").How} How */
/** @typedef {import("./types.d.ts").Overlay} Overlay */
/** @typedef {import("./types.d.ts").Picture} Picture */

/**
 * What the page shows: of a frame of the camera where it can only what it lays over it.
 * @param {Seen} seen
 * @param {Facts} facts
 * @param {How} how
 * @returns {{picture: Picture | null, overlay: Overlay | null}}
 */
export function drawn(seen, facts, how) {
  const { view, weight, live } = how;
  if (!live || seen.outline !== null) return { picture: painted(seen, facts, how), overlay: null };
  if (view === "photo" || !seen.lit) return { picture: null, overlay: null };
  if (view === "signed" && seen.signed !== null) {
    return { picture: painted(seen, facts, how), overlay: null };
  }
  const { photo, map, prepared } = seen;
  return { picture: null, overlay: overlay(photo, map, facts, prepared.placement, weight) };
}

/**
 * The photo in a view, with the edge of the region that was asked for.
 * @param {Seen} seen
 * @param {Facts} facts
 * @param {How} how
 * @returns {Picture}
 */
export function painted(seen, facts, how) {
  const picture = coloured(seen, facts, how);
  if (seen.outline !== null) outline(picture, seen.outline, seen.prepared.placement);
  return picture;
}

/**
 * @param {Seen} seen
 * @param {Facts} facts
 * @param {How} how
 */
function coloured({ photo, prepared, map, signed, lit }, { size, windows }, how) {
  const { view, weight, live } = how;
  const at = prepared.placement;
  const shown = live ? reduced(photo) : enlarged(photo);
  if (view === "photo") return paintPhoto(shown);
  if (view === "heat" || signed === null) {
    return paintHeat(shown, lit ? heatmap(map, size, windows) : null, at, weight);
  }
  const { low, high } = limits(signed.data);
  const limit = Math.max(-low, high);
  const over = limit > 0 ? resize(signed, size, windows) : null;
  const scaled = over && { ...over, data: over.data.map((value) => value / limit) };
  return paintSigned(shown, scaled, at, weight);
}
