"""The set in the spelling of other tools, and as colours."""

from __future__ import annotations

import json

import numpy as np

from backends.onnx.blaming.curve import counts_up_to
from backends.onnx.blaming.keep_lists import keep_lists
from backends.onnx.blaming.node_data import BROKEN, node_data
from backends.onnx.blaming.rating import Rating
from backends.onnx.blaming.suspects import Suspect


def suspect(name: str, *nodes: str) -> Suspect:
    return Suspect(name, "activation", (), {}, nodes=nodes, shown=f"{name}_Q")


def test_each_operator_once() -> None:
    found = keep_lists([suspect("a", "/conv 1", "/add"), suspect("b", "/add", "/conv 2")])
    names = ["/conv 1", "/add", "/conv 2"]
    assert json.loads(found["onnxruntime"].partition("nodes_to_exclude=")[2][:-1]) == names
    assert json.loads(found["nncf"].partition("names=")[2][:-2]) == names
    layers = found["trtexec"].partition("--layerPrecisions=")[2]
    assert [one.rpartition(":")[::2] for one in layers.split(",")] == [(n, "fp32") for n in names]
    assert keep_lists([suspect("a")]) == {}


def test_node_data() -> None:
    ratings = [Rating(suspect("a"), 0.5, 30.0), Rating(suspect("b"), np.inf, -np.inf)]
    found = node_data("g", ratings)
    assert found["g"]["results"]["a_Q"] == {"value": 0.5}
    assert found["g"]["results"]["b_Q"] == {"value": 0.5, "bgColor": BROKEN}
    assert [stop["stop"] for stop in found["g"]["gradient"]] == [0, 1]
    json.loads(json.dumps(found, allow_nan=False))
    assert list(node_data("", ratings)) == ["main_graph"]


def test_counts() -> None:
    assert counts_up_to(8, 118) == [1, 2, 4, 8, 24]
    assert counts_up_to(8, 20) == [1, 2, 4, 8]
    assert counts_up_to(1, 1) == [1]
    assert counts_up_to(5, 100) == [1, 2, 4, 5, 15]
