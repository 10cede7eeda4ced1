"""Every kind of model lists what it can be asked, and answers each of these questions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx import OnnxBackend
from cam_core.listing import listed
from tests.asked import require_all
from tests.finding.heads.texts import net

pytest.importorskip("onnxruntime")

FIXED = "float[1, 3, 8, 8] x"
MODELS: dict[str, tuple[str, str, set[str]]] = {  # nodes, outputs, some of what is listed
    "classes": (
        "z = Gemm<transB = 1>(f, v) y = Softmax(z)",
        "float[N, 5] y",
        {"4", "4-3", "-4", "top:3", "finer:4", "rest:4", "versus:4", "out:y[0]", "like:other.jpg"},
    ),
    "labels": (
        "z = Gemm<transB = 1>(f, v) l = ArgMax<axis = 1>(z) y = Softmax(z)",
        "int64[N, 1] l, float[N, 5] y",
        {"4", "out:y[0]"},
    ),
    "one class": ("z = Gemm<transB = 1>(f, v1) y = Sigmoid(z)", "float[N, 1] y", {"value", "-0"}),
    "several labels": (
        "z = Gemm<transB = 1>(f, v) y = Sigmoid(z)", "float[N, 5] y", {"4", "prob:4", "loss:4"},
    ),
    "embedding": ("y = LpNormalization(f)", "float[N, 6] y", {"norm", "-norm"}),
    "segmentation": (
        "z = Conv(a, k) y = Softmax<axis = 1>(z)",
        "float[N, 5, 8, 8] y",
        {"4", "region:4", "4@4,4", "0@anchor:0", "prob:4"},
    ),
    "one class at places": (
        "z = Conv(a, k1) y = Sigmoid(z)", "float[N, 1, 8, 8] y", {"0", "region:0", "0@4,4"},
    ),
    "depth": ("y = Conv(a, k1)", "float[N, 1, 8, 8] depth_y", {"mean@4,4", "value", "norm"}),
    "unknown": ("y = Identity(a)", "float[N, 6, 8, 8] y", {"5", "norm"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODELS)
def test_what_is_listed_can_be_asked(kind: str, rng: np.random.Generator) -> None:
    nodes, outputs, expected = MODELS[kind]
    if kind == "depth":
        nodes = nodes.replace("y =", "depth_y =")
    backend = OnnxBackend(net(nodes, outputs, x=FIXED))
    assert expected <= require_all(backend, rng.normal(size=(1, 3, 8, 8)).astype(np.float32))


def test_class_1_is_spoken_against_in_words(rng: np.random.Generator) -> None:
    """-1 is the top class."""
    nodes = """two = Constant<value = int64[1] {2}>() n = Constant<value = int64[1] {0}>()
        one = Constant<value = int64[1] {1}>() z = Slice(f, n, two, one) y = Softmax(z)"""
    backend = OnnxBackend(net(nodes, "float[N, 2] y"))
    found = [one.target for one in listed(backend)]
    assert (found[0], found[-1]) == ("1", "against:1")
    require_all(backend, rng.normal(size=(1, 3, 8, 8)).astype(np.float32))


def test_a_picture_tells_an_open_number_of_classes(rng: np.random.Generator) -> None:
    nodes = "y = MatMul(f, captions)"
    given = "float[6, C] captions, float[N, 3, 8, 8] x"
    backend: Any = OnnxBackend(net(f"{nodes} logits = Softmax(y)", "float[N, C] logits", x=given))
    feed = {"x": rng.normal(size=(1, 3, 8, 8)), "captions": rng.normal(size=(6, 3))}
    look = backend.look({name: one.astype(np.float32) for name, one in feed.items()}, layers=())
    assert [listed(backend, look=one)[0].target for one in (None, look)] == ["0", "2"]
