"""The default layer by arrays alone: calls and gradients as any framework could hand them over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.live.calls import Call
from backends.live.default_layer import default_layer
from backends.live.layout import layout_of
from cam_core.errors import LayerError

FULL, NONE, ZERO, FIRST = "full", "none", "zero", "first"
"""The gradient: at every place, not reached, zero everywhere, at the first token alone."""


def gradient(shape: tuple[int, ...], kind: str) -> Any:
    if kind == NONE:
        return None
    G = np.ones(shape) if kind == FULL else np.zeros(shape)
    if kind == FIRST:
        G[:, 0] = 1
    return G


Row = tuple[str, str, tuple[int, ...], str]
MAP, TOKENS = (1, 4, 3, 3), (1, 10, 6)
CASES: dict[str, tuple[list[Row], str]] = {
    "the last map": (
        [("a", "Conv2d", MAP, FULL), ("b", "ReLU", MAP, FULL), ("head", "Linear", (1, 5), FULL)],
        "b",
    ),
    "no gradient": ([("a", "Conv2d", MAP, FULL), ("aside", "Conv2d", MAP, NONE)], "a"),
    "a zero gradient": ([("a", "Conv2d", MAP, FULL), ("b", "Conv2d", MAP, ZERO)], "a"),
    "no pool": ([("a", "Conv2d", MAP, FULL), ("pool", "AvgPool2d", (1, 4, 2, 2), FULL)], "a"),
    "one position": ([("a", "Conv2d", MAP, FULL), ("b", "Conv2d", (1, 4, 1, 1), FULL)], "a"),
    "a map of the classes": (
        [("a", "Conv2d", MAP, FULL), ("classes", "Conv2d", (1, 5, 3, 3), FULL)],
        "a",
    ),
    "a map as wide as the classes, weights after it": (
        [("a", "Conv2d", (1, 5, 3, 3), FULL), ("head", "Linear", (1, 5), FULL)],
        "a",
    ),
    "a closing norm of tokens": (
        [("block", "Linear", TOKENS, FULL), ("norm", "LayerNorm", TOKENS, FULL)],
        "block",
    ),
    "a summary token read at the head": (
        [
            ("norm1", "LayerNorm", TOKENS, FULL),
            ("block", "Linear", TOKENS, FIRST),
            ("norm", "LayerNorm", TOKENS, FIRST),
        ],
        "norm1",
    ),
}


def found(rows: list[Row]) -> Call:
    calls = [Call(path, 1, kind, object(), shape) for path, kind, shape, _ in rows]
    grads = {
        id(call.output): gradient(shape, how)
        for call, (_, _, shape, how) in zip(calls, rows, strict=True)
    }
    shapes = {id(call.output): call.shape for call in calls}
    return default_layer(
        calls,
        gradients=lambda outputs: [grads[id(t)] for t in outputs],
        array=np.asarray,
        layout=lambda t: layout_of(shapes[id(t)], None),
        classes=5,
    )


@pytest.mark.parametrize(("rows", "expected"), CASES.values(), ids=CASES)
def test_the_default_layer(rows: list[Row], expected: str) -> None:
    assert found(rows).path == expected


def test_a_view_is_passed_over() -> None:
    tensor, view = object(), object()
    calls = [
        Call("a", 1, "Conv2d", tensor, MAP),
        Call("v", 1, "Rearrange", view, MAP, view=True),
    ]
    call = default_layer(
        calls,
        gradients=lambda outputs: [np.ones(MAP) for _ in outputs],
        array=np.asarray,
        layout=lambda _: layout_of(MAP, 1),
        classes=None,
    )
    assert call.path == "a"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("a", "Conv2d", MAP, NONE)], "no module's output reaches the score"),
        ([("head", "Linear", (1, 5), FULL)], "no module's output reaches the score"),
        ([("a", "Conv2d", (1, 4, 1, 1), FULL)], "no module gives a map with more than one"),
    ],
)
def test_there_is_none(rows: list[Row], words: str) -> None:
    with pytest.raises(LayerError, match=words):
        found(rows)
