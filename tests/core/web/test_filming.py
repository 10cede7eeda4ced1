"""The camera's loop on a page of stubs: what comes at the wrong moment."""

from __future__ import annotations

import pytest

from tests.core.web.page import Call

PAGE = """
const told = [];
const tick = () => new Promise((resolve) => setTimeout(resolve, 2));
const bitmaps = [];
let held = null; // what a bitmap waits for
globalThis.createImageBitmap = async (from) => {
  if (from.closed) throw new Error("a closed bitmap");
  const made = { width: 4, height: 3, closed: false, close() { this.closed = true; } };
  bitmaps.push(made);
  await held;
  return made;
};
const tracks = [{ live: true, stop() { this.live = false; }, addEventListener() {} }];
let asked = 0;
const stream = async () => { asked += 1; await tick(); return { getTracks: () => tracks }; };
const media = { mediaDevices: { getUserMedia: stream } };
Object.defineProperty(globalThis, "navigator", { value: media });
globalThis.HTMLElement = class {
  style = { getPropertyValue: () => "", setProperty() {} };
  classList = { add() {}, remove() {}, toggle() {} };
  videoWidth = 4;
  play = async () => {};
  setAttribute() {}
  getAttribute() { return ""; }
  children = [];
  querySelectorAll() { return []; }
  content = { cloneNode: () => new HTMLElement() };
  getContext() { return null; }
  closest() { return null; }
  addEventListener() {}
  append() {}
  querySelector() { return new HTMLElement(); }
  replaceChildren() {}
  remove() {}
};
const elements = {};
globalThis.document = {
  baseURI: "https://here/",
  querySelector: (name) => (elements[name] ??= new HTMLElement()),
  querySelectorAll: () => [],
  createElement: () => new HTMLElement(),
  addEventListener() {},
};
globalThis.PerformanceObserver = class { observe() {} };
let answer = async () => ({});
globalThis.Worker = class {
  addEventListener(kind, then) { this[kind] = then; }
  before = Promise.resolve();
  postMessage(message) { this.before = this.before.then(() => this.reply(message)); }
  async reply({ id, task, asked }) {
    told.push(task);
    await tick();
    try { this.message({ data: { id, result: await answer(task, asked) } }); }
    catch (error) { this.message({ data: { id, error: error.message } }); }
  }
  terminate() {}
};
const { filmed, endFilming } = await load("live");
const { page } = await load("page");
const article = new HTMLElement();
article.querySelector = (name) => document.querySelector(name);
const model = () => ({ article, facts: { head: {}, given: [] }, ask: { class: -1 }, look: null });
page.models.push(model());
const map = { data: Float32Array.of(1, 2, 3, 4), height: 2, width: 2 };
const look = (title) => ({
  ...{ map, signed: map },
  ...{ title, picture: null, overlay: null, diagnosis: "", milliseconds: 1 },
  ...{ answers: [], boxes: [], regions: [], photo: [3, 4], score: 1, probability: null, rawMax: 0 },
});
"""


def test_a_frame_is_not_sent_after_the_camera_was_stopped(node: Call) -> None:
    """The worker would take it for the photo that was chosen meanwhile."""
    told = """
    answer = async (task, { asks }) => asks?.map(() => look("a")) ?? look("again");
    const filming = filmed();
    while (told.length < 2) await tick();
    let release;
    held = new Promise((resolve) => { release = resolve; });
    const before = bitmaps.length;
    while (bitmaps.length === before) await tick();
    await tick(); await tick();
    endFilming();
    page.photo = { name: "cat", source: null };
    told.push("stopped");
    release();
    await filming;
    return [told.slice(told.indexOf("stopped")), bitmaps.filter((one) => !one.closed).length - """
    # those that were sent are the worker's
    found = node.body(PAGE + told + 'told.filter((task) => task === "frame").length];')
    assert found == [["stopped"], 0]


def test_a_camera_that_does_not_play_is_let_go(node: Call) -> None:
    told = """
    document.querySelector("#video").play = async () => { throw new Error("not now"); };
    try { await filmed(); } catch (error) { told.push(error.message); }
    return [...told, tracks[0].live, page.stop];"""
    assert node.body(PAGE + told) == [
        "The camera gives no picture (Error: not now): choose a photo.",
        *(False, None),
    ]


def test_a_second_press_asks_for_no_second_camera(node: Call) -> None:
    told = """
    answer = async (task, { asks }) => asks?.map(() => look("a")) ?? look("again");
    const both = [filmed(), filmed()];
    while (told.length < 1) await tick();
    document.querySelector("#video").videoWidth = 0; // which ends every film
    await Promise.all(both);
    return [asked, tracks[0].live];"""
    assert node.body(PAGE + told) == [1, False]


@pytest.mark.parametrize("allowed", [True, False])
def test_a_photo_comes_while_the_camera_is_asked_for(allowed: bool, node: Call) -> None:
    """It stays, whatever the browser is told then; another press asks anew."""
    told = """
    let answered;
    media.mediaDevices.getUserMedia = () => {
      asked += 1;
      return new Promise((resolve, reject) => { answered = ALLOWED
        ? () => resolve({ getTracks: () => tracks })
        : () => reject(new Error("no")); });
    };
    const filming = filmed();
    await tick();
    endFilming(); // as a photo does that is taken
    page.photo = { name: "cat", source: null };
    answered();
    await filming;
    const first = [told, page.photo.name, page.stop, tracks[0].live];
    filmed().catch(() => {});
    await tick();
    return [...first, asked];"""
    found = node.body(PAGE + told.replace("ALLOWED", str(allowed).lower()))
    assert found == [[], "cat", None, not allowed, 2]


def test_a_camera_without_a_picture_leaves_the_photo(node: Call) -> None:
    """What was looked at last is still that photo, by its name."""
    told = """
    page.photo = { name: "cat", source: null };
    document.querySelector("#video").videoWidth = 0;
    await filmed();
    return [told, page.photo.name, page.stop];"""
    assert node.body(PAGE + told) == [[], "cat", None]


def test_what_was_said_of_a_model_that_left_is_not_shown_of_another(node: Call) -> None:
    told = """
    const other = model();
    answer = async (task, { asks }) => {
      if (task !== "frame") return look("again");
      if (page.models[0] === other) endFilming();
      page.models.splice(0, 1, other);
      return asks.map(() => look("of the first"));
    };
    const seen = [];
    Object.defineProperty(other, "look", {
      get: () => seen.at(-1) ?? null, set: (look) => seen.push(look),
    });
    await filmed();
    return seen.map(({ title }) => title);"""
    assert node.body(PAGE + told) == ["again"]


def test_a_film_that_breaks_off_is_no_longer_called_live(node: Call) -> None:
    told = """
    answer = async () => { throw new Error("out of memory"); };
    page.photo = { name: "cat", source: null };
    document.querySelector("#status").textContent = "Live, 30 pictures a second";
    try { await filmed(); } catch (error) { told.push(error.message); }
    const { textContent } = document.querySelector("#status");
    return [...told, textContent, tracks[0].live, page.stop];"""
    assert node.body(PAGE + told) == [
        *("frame", "out of memory", "camera: 0 ms, WebAssembly", False, None)
    ]


def test_a_model_is_dropped_while_two_are_filmed(node: Call) -> None:
    """No frame is sent for the second once it is closed, and none asks the new one the old's."""
    told = """
    const { opened } = await load("models");
    page.models[0].ask = { class: 900 };
    page.models.push(model());
    const engines = new Set([0, 1]);
    let renewed = false;
    answer = async (task, { at, asks }) => {
      if (task === "open") renewed = true;
      if (task === "open") return { facts: { name: "c", head: {}, given: [], labels: null } };
      if (task === "close") { await tick(); engines.delete(at); await tick(); await tick(); }
      if (task === "requests") return [];
      if (task !== "frame") return look(task);
      if (renewed && asks[0].class === 900) throw new Error("the new one has no such class");
      if (asks.some((_, i) => !engines.has(i))) throw new Error("There is no model yet.");
      return asks.map(() => look("live"));
    };
    const filming = filmed();
    while (told.length < 2) await tick();
    await opened(null, { name: "c.onnx" });
    for (let i = 0; i < 5; i++) await tick();
    endFilming();
    await filming;
    return [page.models.length, told.includes("close")];"""
    assert node.body(PAGE + told) == [1, True]


def test_a_model_that_is_refused_changes_no_question(node: Call) -> None:
    told = """
    const { opened } = await load("models");
    page.models[0].ask = { class: 3 };
    answer = async () => { throw new Error("no model"); };
    try { await opened(null, { name: "b.onnx" }); } catch (error) { told.push(error.message); }
    return [...told, page.models.length, page.models[0].ask];"""
    assert node.body(PAGE + told) == ["open", "no model", 1, {"class": 3}]
