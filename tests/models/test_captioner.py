"""A captioner of our own: the words of one thing light up that thing, in one picture of two."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from cam_core import explain
from cam_core.backend import Array
from cam_core.targets import CotangentTarget
from tests.asked import require_all
from tests.paths import ROOT
from tests.pointing import inside

pytest.importorskip("onnxruntime")
coloured = pytest.importorskip("examples.coloured", reason="this tree has no examples")
words = pytest.importorskip("examples.captioner.words", reason="this tree has no examples")

MODEL = ROOT / "examples" / "captioner" / "captioner.onnx"
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


def texts() -> list[str]:
    """A caption of each scene."""
    return [words.caption(*scene.things) for scene in scenes()]


def fed() -> dict[str, Array]:
    """What the model takes."""
    image = np.stack([scene.pixels.transpose(2, 0, 1) for scene in scenes()])
    given = np.stack([words.numbers(text)[:-1] for text in texts()])
    return {"image": image.astype(np.float32) / 255, "words": given}


def asked(which: int) -> Array:
    """1 at the words of the first or the second thing, at the steps that predict them [N, T, V]."""
    found = np.zeros((SCENES, words.LENGTH, len(words.VOCABULARY)), np.float32)
    for row, scene, text in zip(found, scenes(), texts(), strict=True):
        label = scene.things[which].label
        for step, word in zip(words.steps(text, label), label.split(), strict=True):
            row[step, words.VOCABULARY.index(word)] = 1
    return found


def log_probability(which: int) -> CotangentTarget:
    """The sum of the log-probabilities of these words: of log-softmax, one-hot less softmax."""

    def cotangent(y: Array, outputs: Any) -> Array:
        one_hot = asked(which)[: len(y)]
        powers = np.exp(y - y.max(axis=2, keepdims=True))
        return one_hot - one_hot.sum(axis=2, keepdims=True) * powers / powers.sum(2, keepdims=True)

    return CotangentTarget(cotangent)


def test_the_likeliest_words_are_the_caption() -> None:
    """From the first colour on, which is a matter of taste; the next words are given."""
    given = fed()
    said = backend().forward(given)["logits"].argmax(axis=2)
    rights = []
    for row, text in zip(said, texts(), strict=True):
        wanted = words.numbers(text)[1:]
        rights.append(bool(((row == wanted) | (wanted == 0))[2:].all()))
    assert np.mean(rights) >= 0.9


@pytest.mark.parametrize("method", ["hirescam", "gradcam"])
@pytest.mark.parametrize("which", [0, 1], ids=["the first thing", "the second thing"])
def test_words_light_up_what_they_are_about(which: int, method: str) -> None:
    """At the last convolution, which is found; no place was ever taught."""
    found = explain(backend(), fed(), log_probability(which), method)
    assert found.map.shape == (SCENES, 12, 12)
    boxes = [[scene.things[i].box for scene in scenes()] for i in (which, 1 - which)]
    assert inside(found.map, boxes[0], size=96) >= 0.95
    assert inside(found.map, boxes[1], size=96) <= 0.02


@pytest.mark.parametrize("which", [0, 1], ids=["the first thing", "the second thing"])
def test_words_are_asked_for_in_words(which: int) -> None:
    """`words:"red circle"`: the phrase of each scene, one scene after another."""
    given, maps = fed(), []
    for i, scene in enumerate(scenes()):
        row = {name: x[i : i + 1] for name, x in given.items()}
        maps.append(explain(backend(), row, f"words:{scene.things[which].label}").map[0])
    expected = explain(backend(), given, log_probability(which)).map
    np.testing.assert_allclose(np.stack(maps), expected, rtol=1e-3, atol=1e-5)
    assert inside(np.stack(maps), [s.things[which].box for s in scenes()], size=96) >= 0.9


def test_what_is_listed_can_be_asked() -> None:
    assert {"words", "-words"} <= require_all(backend(), {k: v[:2] for k, v in fed().items()})


def test_the_gradient_is_that_of_the_log_probability() -> None:
    """Central differences of the model's own output along the gradient, row by row."""
    given = {name: x[:8] for name, x in fed().items()}
    look = backend().look(given, layers=(), inputs=["image"])

    def score(image: Array) -> Array:
        y = backend().forward(given | {"image": image})["logits"].astype(np.float64)
        log = y - np.log(np.exp(y).sum(axis=2, keepdims=True))
        return (log * asked(0)[:8]).sum(axis=(1, 2))

    slope = look.pull(log_probability(0)).inputs["image"]
    length = np.sqrt((slope**2).sum(axis=(1, 2, 3), keepdims=True))
    step = (1e-3 * slope / length).astype(np.float32)
    differences = (score(given["image"] + step) - score(given["image"] - step)) / 2e-3
    np.testing.assert_allclose(differences, length.ravel(), rtol=1e-2)  # ReLUs bend on the way


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ((0, -9), "the red circle above the blue square"),
        ((2, 9), "the red circle below the blue square"),
        ((-9, 3), "the red circle left of the blue square"),
        ((9, -8), "the red circle right of the blue square"),
    ],
)
def test_a_caption_says_where_the_first_thing_is(at: tuple[int, int], said: str) -> None:
    from examples.demo.scenes import Thing

    x, y = at
    first, second = Thing("red circle", (x, y, x + 4, y + 4)), Thing("blue square", (0, 0, 4, 4))
    assert words.caption(first, second) == said
    assert [said.split()[i] for i in words.steps(said, "blue square")] == ["blue", "square"]


def test_the_file_says_what_it_is() -> None:
    metadata = backend().metadata
    assert metadata["task"] == "caption"
    assert tuple(json.loads(metadata["vocabulary"])) == words.VOCABULARY
    assert MODEL.stat().st_size < 1_000_000
