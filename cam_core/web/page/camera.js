// @ts-check
/** The camera, as bitmaps that the worker reads. */

const REFUSED = {
  NotAllowedError: "The camera was refused: allow it for this page in the browser's settings.",
  NotFoundError: "There is no camera on this machine: choose a photo.",
  NotReadableError: "Another program has the camera: close it and try again.",
  OverconstrainedError: "The camera gives no picture of this kind: choose a photo.",
};

/**
 * `next` waits for a picture that was not given yet: none is looked at twice. `ready`: is it there?
 * @param {HTMLVideoElement} video
 * @returns {Promise<{next: () => Promise<ImageBitmap | null>, ready: () => boolean,
 *   stop: () => void}>}
 */
export async function frames(video) {
  if (!navigator.mediaDevices) {
    throw new Error("Browsers give the camera to pages of https:// and of this machine only.");
  }
  const stream = await allowed();
  const fresh = renewed(video);
  let going = true;
  const stop = () => {
    going = false;
    fresh.end();
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  for (const track of stream.getTracks()) track.addEventListener("ended", stop);
  video.srcObject = stream;
  try {
    await video.play();
  } catch (error) {
    stop();
    throw refused(error);
  }
  const next = async () => {
    await fresh.wait();
    if (!going || video.videoWidth === 0) return null;
    const frame = await createImageBitmap(video).catch((error) => {
      if (going) throw error;
      return null;
    });
    if (going) return frame;
    frame?.close(); // it was stopped meanwhile
    return null;
  };
  return { next, ready: fresh.ready, stop };
}

/**
 * Waits for the next picture of a video; for none where the browser does not tell of them.
 * @param {HTMLVideoElement} video
 */
export function renewed(video) {
  const told = "requestVideoFrameCallback" in video;
  if (!told) return { wait: async () => {}, ready: () => true, end: () => {} };
  let ready = true; // the first one is there
  let going = true;
  /** @type {(() => void) | null} */
  let wake = null;
  const came = () => {
    ready = true;
    wake?.();
    if (going) video.requestVideoFrameCallback(came);
  };
  video.requestVideoFrameCallback(came);
  return {
    wait: async () => {
      if (!ready && going) await new Promise((resolve) => (wake = () => resolve(undefined)));
      ready = false;
    },
    ready: () => ready,
    end: () => {
      going = false;
      wake?.();
    },
  };
}

async function allowed() {
  try {
    const size = { width: { ideal: 640 }, height: { ideal: 480 } };
    return await navigator.mediaDevices.getUserMedia({
      video: { ...size, facingMode: { ideal: "environment" } },
    });
  } catch (error) {
    throw refused(error);
  }
}

/** @param {unknown} error */
function refused(error) {
  const name = error instanceof DOMException ? error.name : "";
  const known = REFUSED[/** @type {keyof typeof REFUSED} */ (name)];
  return new Error(known ?? `The camera gives no picture (${name || error}): choose a photo.`);
}
