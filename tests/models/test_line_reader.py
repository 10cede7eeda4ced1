"""Our own reader of lines: what it reads, and that each character lies where it was drawn."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from cam_core import explain
from cam_core.backend import Array
from tests.paths import ROOT

pytest.importorskip("onnxruntime")
lines = pytest.importorskip("examples.reader.lines", reason="this tree has no examples")

MODEL = ROOT / "examples" / "reader" / "reader.onnx"
FRESH, LINES = 3_000_000, 100
"""Seeds from here on were in no training."""
STEP = 4
"""Columns of pixels of one step."""


@cache
def backend() -> Any:
    from backends.onnx import OnnxBackend

    return OnnxBackend(MODEL)


@cache
def right() -> list[tuple[Any, Any]]:
    """The lines that are read without a mistake, with their inputs [1, 1, 32, 160]."""
    drawn = [lines.line(seed) for seed in range(FRESH, FRESH + LINES)]
    x = np.stack([one.pixels for one in drawn]).astype(np.float32)[:, None] / 255
    found = backend().forward({"image": x})["logits"]
    return [(one, x[[i]]) for i, one in enumerate(drawn) if said(found[i]) == one.text]


def said(logits: Array) -> str:
    """Of [T, 27]: the best class of each step, repetitions once, blanks (class 0) left out."""
    best = logits.argmax(axis=1)
    new = np.flatnonzero(np.diff(best, prepend=0))
    return "".join(lines.ALPHABET[c] for c in best[new] if c)


def test_most_lines_are_read() -> None:
    assert len(right()) >= 0.85 * LINES


def test_a_character_lies_where_it_was_drawn() -> None:
    """Of 20 lines: the maximum of its map within a step of its glyph."""
    near = []
    for one, x in right()[:20]:
        for number, (left, end) in enumerate(one.spans, start=1):
            found = explain(backend(), x, f"char:{number}", "layercam", labels=lines.ALPHABET)
            at = (int(found.map[0].argmax()) + 0.5) * lines.WIDE / found.map.shape[1]
            near.append(left - STEP <= at <= end + STEP)
    assert np.mean(near) >= 0.95


def test_the_file_is_small() -> None:
    assert MODEL.stat().st_size < 1_000_000
