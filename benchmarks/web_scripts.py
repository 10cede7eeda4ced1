"""What benchmarks/web.py puts beside the page: it measures with the page's own modules."""

from __future__ import annotations

OPENED = """
import { best } from "./answers.js";
import { look, open } from "./engine.js";
import { factsOf } from "./facts.js";
import { decode } from "./photo.js";
import { prepare } from "./prepare.js";
const fetched = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
const opened = async ({ file, threads }) => {
  const ort = await import("./runtime/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = new URL("./runtime/", location.href).href;
  ort.env.wasm.numThreads = threads;
  const bytes = await fetched(file);
  const facts = factsOf(bytes, file);
  const session = await ort.InferenceSession.create(await fetched("plain.onnx"));
  const run = ({ x, dims }) =>
    session.run({ [facts.input.name]: new ort.Tensor(facts.input.type, x, dims) });
  const plain = async (frame) => {
    const results = await run(prepare(frame, facts));
    return best(results[facts.head.output]?.data ?? results[facts.score].data, facts);
  };
  return { ort, bytes, facts, run, plain };
};
"""
WORKER = (
    OPENED
    + """
onmessage = async ({ data: asked }) => {
  const { ort, bytes, facts, run, plain } = await opened(asked);
  const engine = await open(ort, facts, bytes, "wasm");
  const size = { resizeWidth: 640, resizeHeight: 480 }; // as the page asks it of a camera
  const bitmap = await createImageBitmap(await (await fetch(asked.photo)).blob(), size);
  const frame = async () => decode(await createImageBitmap(bitmap), asked.photo);
  const large = ["cam_activations", "cam_alpha", "cam_gradients"];
  const wanted = engine.session.outputNames.filter((name) => !large.includes(name));
  const times = [];
  for (let i = -asked.warm; i < asked.rounds; i++) {
    const a = performance.now();
    await plain(await frame());
    const b = performance.now();
    await look(engine, await frame(), { class: -1 }, { view: "heat", weight: 0.5, live: true });
    const c = performance.now();
    const prepared = prepare(await frame(), facts);
    const more = facts.given.includes("class")
      ? { cam_class: new ort.Tensor("int64", BigInt64Array.of(-1n), [1]) } : {};
    const x = new ort.Tensor(facts.input.type, prepared.x, prepared.dims);
    const d = performance.now();
    await run(prepared);
    const e = performance.now();
    await engine.session.run({ [facts.input.name]: x, ...more }, wanted);
    const f = performance.now();
    if (i >= 0) times.push([b - a, c - b, e - d, f - e]);
  }
  postMessage(times);
};
"""
)
PLAIN_WORKER = (
    OPENED
    + """
let ready = null;
onmessage = async ({ data: { asked, bitmap } }) => {
  ready ??= opened(asked);
  const { plain } = await ready;
  postMessage((await plain(await decode(bitmap, "camera")))[0]);
};
"""
)
PLAIN_PAGE = """
import { frames } from "./camera.js";
import { one, set } from "./dom.js";
import { film } from "./film.js";
export async function filmed(asked) {
  const worker = new Worker("bench_plain.js", { type: "module" });
  const { next, ready, stop } = await frames(one("#video"));
  globalThis.stopPlain = stop;
  const see = async (frame) => {
    const bitmap = await createImageBitmap(frame);
    return new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage({ task: "look", asked, bitmap }, [bitmap]);
    });
  };
  const canvas = one("canvas");
  const show = (answer, frame) => {
    if (canvas.width !== frame.width) canvas.width = frame.width;
    if (canvas.height !== frame.height) canvas.height = frame.height;
    canvas.getContext("2d").drawImage(frame, 0, 0);
    set(one(".title"), answer.label || String(answer.which));
  };
  await film({ next, ready, see, show });
  worker.terminate();
}
"""
COUNTED = """
globalThis.looks = 0;
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, transfer) {
  if (["frame", "look"].includes(message.task)) globalThis.looks += 1;
  return post.call(this, message, transfer);
};
"""
RUN = """(asked) => new Promise((resolve, reject) => {
  const worker = new Worker("bench.js", { type: "module" });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage(asked);
})"""
