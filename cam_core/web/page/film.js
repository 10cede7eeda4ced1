// @ts-check
/** Frame after frame, with a worker that never waits for the page. */

/**
 * The next frame is on its way before what was found in this one is shown.
 * @template {{close(): void}} Frame
 * @template Found
 * @param {object} how
 * @param {() => Promise<Frame | null>} how.next null where the camera ended
 * @param {(frame: Frame) => Promise<Found>} how.see
 * @param {(found: Found, frame: Frame) => void} how.show
 */
export async function film({ next, see, show }) {
  let frame = await next();
  let seeing = frame && see(frame);
  while (frame !== null && seeing !== null) {
    const found = await seeing;
    const upcoming = await next();
    seeing = upcoming && see(upcoming);
    seeing?.catch(() => {}); // it is awaited in the next round, if there is one
    show(found, frame);
    frame.close();
    frame = upcoming;
  }
}
