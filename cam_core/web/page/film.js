// @ts-check
/** Frame after frame, with a worker that never waits for the page. */

/**
 * The next frame is on its way before what was found in this one is shown, if it is there already.
 * @template {{close(): void}} Frame
 * @template Found
 * @param {object} how
 * @param {() => Promise<Frame | null>} how.next null where the camera ended
 * @param {() => boolean} how.ready is the next one there?
 * @param {(frame: Frame) => Promise<Found>} how.see
 * @param {(found: Found, frame: Frame) => void} how.show
 */
export async function film({ next, ready, see, show }) {
  let frame = await next();
  /** @type {Frame | null} */
  let upcoming = null;
  try {
    let seeing = frame && see(frame);
    while (frame !== null && seeing !== null) {
      const found = await seeing;
      const early = !ready();
      if (early) show(found, frame);
      upcoming = await next();
      seeing = upcoming && see(upcoming);
      seeing?.catch(() => {}); // it is awaited in the next round, if there is one
      if (!early) show(found, frame);
      frame.close();
      [frame, upcoming] = [upcoming, null];
    }
  } finally {
    frame?.close();
    upcoming?.close();
  }
}
