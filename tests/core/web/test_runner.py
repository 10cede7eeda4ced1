"""The page's side of the worker."""

from __future__ import annotations

from tests.core.web.page import Call

ENDED = """
const told = [];
globalThis.Worker = class {
  addEventListener(kind, then) { this[kind] = then; }
  postMessage({ id }) { this.answers = () => this.message({ data: { id, result: "painted" } }); }
  terminate() { told.push("gone"); }
  constructor() { globalThis.worker = this; }
};
const { start } = await load("runner");
const { call, end } = start();
"""


def test_what_was_asked_is_answered_before_the_end(node: Call) -> None:
    told = """
    const answer = call("paint").then((text) => told.push(text));
    end();
    told.push("ending");
    worker.answers();
    await answer;
    return told;"""
    assert node.body(ENDED + told) == ["ending", "gone", "painted"]


def test_what_waits_for_nothing_ends_at_once(node: Call) -> None:
    assert node.body(ENDED + "end(); return told;") == ["gone"]
