"""One encoder, four heads: classes and depth at places, a count, an embedding."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from cam_core import explain
from cam_core.backend import Array
from cam_core.targets import SimilarTarget
from tests.paths import ROOT
from tests.pointing import inside

pytest.importorskip("onnxruntime")
made = pytest.importorskip("examples.heads.scenes", reason="this tree has no examples")

MODEL = ROOT / "examples" / "heads" / "heads.onnx"
FRESH, SCENES = 3_000_000, 100
"""Seeds from here on were in no training."""


@cache
def known() -> Any:
    """Two things each."""
    return [made.known(seed, things=(2, 2)) for seed in range(FRESH, FRESH + SCENES)]


@cache
def backend(score: str) -> Any:
    from backends.onnx import OnnxBackend

    return OnnxBackend(MODEL, score=score)


@cache
def x() -> Array:
    pixels = np.stack([one.scene.pixels.transpose(2, 0, 1) for one in known()])
    return pixels.astype(np.float32) / 255


@cache
def outputs() -> Any:
    return backend("classes").forward({"image": x()})


def test_what_it_gives_is_what_was_drawn() -> None:
    classes, depth = (np.stack([getattr(k, n) for k in known()]) for n in ("classes", "depth"))
    there = depth > 2  # off the edges, which are between two places
    assert np.mean((outputs()["classes"].argmax(axis=1) == classes)[there]) >= 0.9
    assert np.mean((outputs()["classes"].argmax(axis=1) == classes)[classes == 0]) >= 0.98
    assert np.abs(outputs()["depth"][:, 0] - depth)[there].mean() <= 1.0  # pixels
    assert np.mean(outputs()["count"].round() == 2) >= 0.95


@pytest.mark.parametrize("which", [0, 1])
def test_a_region_lights_its_own_thing(which: int) -> None:
    """Where the two things have different shapes; the layer is found."""
    pairs = [[thing.label.split()[1] for thing in one.scene.things] for one in known()]
    rows = [i for i, (a, b) in enumerate(pairs) if a != b]
    boxes = [[known()[i].scene.things[n].box for i in rows] for n in (which, 1 - which)]
    maps = np.concatenate(
        [
            explain(
                backend("classes"), x()[[i]], f"region:{made.CLASSES.index(pairs[i][which])}"
            ).map
            for i in rows
        ]
    )
    assert inside(maps, boxes[0], size=made.SIZE) >= 0.9
    assert inside(maps, boxes[1], size=made.SIZE) <= 0.1


def test_likeness_lights_what_two_pictures_share() -> None:
    """The vector of a thing, the mean of scenes with it alone, finds it beside another."""
    alone = [made.known(seed, things=(1, 1)).scene for seed in range(FRESH, FRESH + 600)]
    vectors = {
        label: mean_of([s for s in alone if s.things[0].label == label])
        for label in {s.things[0].label for s in alone}
    }
    rows = [i for i, k in enumerate(known()) if apart(*k.scene.things)]
    assert len(rows) >= 20
    maps = [
        explain(
            backend("embedding"),
            x()[[i]],
            SimilarTarget(vectors[known()[i].scene.things[0].label]),
        ).map
        for i in rows
    ]
    boxes = [[known()[i].scene.things[n].box for i in rows] for n in (0, 1)]
    assert inside(np.concatenate(maps), boxes[0], size=made.SIZE) >= 0.9
    assert inside(np.concatenate(maps), boxes[1], size=made.SIZE) <= 0.1


def apart(first: Any, other: Any) -> bool:
    """Do they share neither colour nor shape?"""
    return not set(first.label.split()) & set(other.label.split())


def mean_of(scenes: Any) -> Array:
    """The mean embedding [1, 16]."""
    pixels = np.stack([s.pixels.transpose(2, 0, 1) for s in scenes]).astype(np.float32) / 255
    found = backend("embedding").forward({"image": pixels})["embedding"]
    return np.asarray((found / np.linalg.norm(found, axis=1, keepdims=True)).mean(0, keepdims=True))


def test_the_file_says_what_it_is() -> None:
    assert MODEL.stat().st_size < 1_000_000
    assert backend("classes").heads()[0].kind == "dense classes"
