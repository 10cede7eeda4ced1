"""Questions about a picture: what is asked about lights up, in one picture of two things."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from cam_core import explain
from cam_core.backend import Array
from tests.paths import ROOT
from tests.pointing import inside

pytest.importorskip("onnxruntime")
coloured = pytest.importorskip("examples.coloured", reason="this tree has no examples")
words = pytest.importorskip("examples.vqa.words", reason="this tree has no examples")

MODEL = ROOT / "examples" / "vqa" / "vqa.onnx"
FRESH, SCENES = 3_000_000, 200
"""Seeds from here on were in no training."""


@cache
def scenes() -> Any:
    """Two things each."""
    seeds = range(FRESH, FRESH + SCENES)
    return [coloured.render(s, coloured.two_things(np.random.default_rng(s))) for s in seeds]


@cache
def backend() -> Any:
    from backends.onnx import OnnxBackend

    return OnnxBackend(MODEL)


def asked(which: int, kind: int) -> tuple[dict[str, Array], list[int]]:
    """What the model takes, and the right answers: the colour (0) or the shape (1) of a thing."""
    image = np.stack([scene.pixels.transpose(2, 0, 1) for scene in scenes()])
    pairs = [list(words.questions(scene.things[which]).items())[kind] for scene in scenes()]
    given = np.stack([words.numbers(question) for question, _ in pairs])
    right = [words.ANSWERS.index(answer) for _, answer in pairs]
    return {"image": image.astype(np.float32) / 255, "words": given}, right


@pytest.mark.parametrize("method", ["hirescam", "gradcam"])
@pytest.mark.parametrize("kind", [0, 1], ids=["colour", "shape"])
@pytest.mark.parametrize("which", [0, 1], ids=["the first thing", "the second thing"])
def test_the_answer_points_at_what_was_asked_about(which: int, kind: int, method: str) -> None:
    """One picture, another question: another place. The layer is found."""
    given, right = asked(which, kind)
    found = explain(backend(), given, right, method)
    assert found.map.shape == (SCENES, 12, 12)
    boxes = [[scene.things[i].box for scene in scenes()] for i in (which, 1 - which)]
    assert inside(found.map, boxes[0], size=96) >= 0.95
    assert inside(found.map, boxes[1], size=96) <= 0.05  # it is 0.025 for shapes, HiResCAM


@pytest.mark.parametrize("kind", [0, 1], ids=["colour", "shape"])
def test_the_answers_are_right(kind: int) -> None:
    for which in (0, 1):
        given, right = asked(which, kind)
        assert np.mean(backend().forward(given)["logits"].argmax(axis=1) == right) >= 0.95


def test_the_file_says_what_it_is() -> None:
    metadata = backend().metadata
    assert metadata["task"] == "vqa"
    assert tuple(json.loads(metadata["vocabulary"])) == words.VOCABULARY
    assert tuple(json.loads(metadata["answers"])) == words.ANSWERS
    assert MODEL.stat().st_size < 1_000_000
