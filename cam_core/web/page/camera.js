// @ts-check
/** The camera, as bitmaps that the worker reads. */

const REFUSED = {
  NotAllowedError: "The camera was refused: allow it for this page in the browser's settings.",
  NotFoundError: "There is no camera on this machine: choose a photo.",
  NotReadableError: "Another program has the camera: close it and try again.",
  OverconstrainedError: "The camera gives no picture of this kind: choose a photo.",
};

/**
 * @param {HTMLVideoElement} video
 * @returns {Promise<{next: () => Promise<ImageBitmap | null>, stop: () => void}>}
 */
export async function frames(video) {
  if (!navigator.mediaDevices) {
    throw new Error("Browsers give the camera to pages of https:// and of this machine only.");
  }
  const stream = await filmed();
  let going = true;
  const stop = () => {
    going = false;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  for (const track of stream.getTracks()) track.addEventListener("ended", stop);
  video.srcObject = stream;
  await video.play();
  const next = async () => {
    if (!going || video.videoWidth === 0) return null;
    return createImageBitmap(video).catch((error) => {
      if (going) throw error;
      return null; // it was stopped meanwhile
    });
  };
  return { next, stop };
}

async function filmed() {
  try {
    const size = { width: { ideal: 640 }, height: { ideal: 480 } };
    return await navigator.mediaDevices.getUserMedia({
      video: { ...size, facingMode: { ideal: "environment" } },
    });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    const known = REFUSED[/** @type {keyof typeof REFUSED} */ (name)];
    throw new Error(known ?? `The camera gives no picture (${name || error}): choose a photo.`);
  }
}
