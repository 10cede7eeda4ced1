"""Shuffled models: which weights, in which order, and what is said of maps that are planted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from cam_core import explain, open_backend
from cam_core.demo import MODEL, PREPROCESS, load_scenes
from cam_core.errors import InputError, ModelError
from cam_core.image import PRESETS, preprocess
from cam_core.metrics.agreement import ssim
from cam_core.metrics.sanity import Cascade, cascade
from cam_core.metrics.sanity.randomisation import (
    DEPENDS,
    INDIFFERENT,
    UNCLEAR,
    step_counts,
    weight_layers,
)
from tests.core.metrics.sanity.shuffled import Weights, flat

Array = np.ndarray
NAMES = ["stem.weight", "stem.bias", "block.0.weight", "block.1.weight", "head.weight", "head.bias"]


@pytest.fixture
def model(rng: np.random.Generator) -> Weights:
    return Weights({name: rng.normal(size=(4, 5)) for name in NAMES})


def moved(model: Weights, other: Weights) -> list[str]:
    return [n for n, value in model.held.items() if not np.array_equal(value, other.held[n])]


def test_layers_are_shuffled_from_the_logits_down(model: Weights) -> None:
    found = cascade(model, flat)  # type: ignore[arg-type]
    expected = [NAMES[4:], NAMES[3:4], NAMES[2:3], NAMES[:2]]
    assert [list(step) for step in found.weights] == expected
    first, *steps = model.made  # the first only asks for the names
    assert moved(model, first) == []
    for count, other in enumerate(steps, start=1):
        shuffled = [name for step in expected[:count] for name in step]
        assert sorted(moved(model, other)) == sorted(shuffled)
        for name in NAMES:  # the same numbers in another order
            np.testing.assert_array_equal(
                np.sort(other.held[name], axis=None), np.sort(model.held[name], axis=None)
            )


def test_a_shuffled_weight_stays_as_it_was_shuffled(model: Weights) -> None:
    cascade(model, flat)  # type: ignore[arg-type]
    _, *steps = model.made
    for before, after in pairwise(steps):
        for name in moved(model, before):
            np.testing.assert_array_equal(before.held[name], after.held[name])


def test_weights_of_one_shape_are_shuffled_apart(model: Weights) -> None:
    same = Weights(dict.fromkeys(NAMES, np.arange(20.0).reshape(4, 5)))
    cascade(same, flat, steps=1)  # type: ignore[arg-type]
    orders = [tuple(value.ravel()) for value in same.made[-1].held.values()]
    assert len(set(orders)) == len(NAMES)


def test_single_numbers_are_no_step(model: Weights) -> None:
    """A scale between two layers has no order, and moves no place of those after it."""
    scaled: dict[str, Array] = {}
    for name, value in model.held.items():
        scaled |= {f"{name}_scale": np.ones(()), name: value}
    other = Weights(scaled)
    assert weight_layers(other) == weight_layers(model)  # type: ignore[arg-type]
    for one in (model, other):
        cascade(one, flat, steps=2)  # type: ignore[arg-type]
    for mine, theirs in zip(model.made[2:], other.made[2:], strict=True):
        for name in NAMES:
            np.testing.assert_array_equal(mine.held[name], theirs.held[name])


def test_the_curve_falls_as_weights_go(model: Weights) -> None:
    """What is left in place keeps its part of the correlation."""
    found = cascade(model, flat)  # type: ignore[arg-type]
    assert found.similarity.shape == (4, 3)
    np.testing.assert_allclose(found.curve, found.similarity.mean(axis=1))
    assert (np.diff(found.curve) < 0).all()
    assert found.verdict == DEPENDS


def test_a_map_of_the_input_alone_is_told(model: Weights, rng: np.random.Generator) -> None:
    edges = rng.random((3, 8, 8))
    found = cascade(model, lambda _: edges)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.similarity, 1)
    assert found.verdict == INDIFFERENT
    upside_down = cascade(model, lambda b: edges * (1 - 2 * bool(moved(model, b))))  # type: ignore
    assert upside_down.verdict == INDIFFERENT  # it only changed its sign


def test_what_cannot_be_compared_is_left_open(model: Weights, rng: np.random.Generator) -> None:
    """Maps that go blank with the first shuffle."""
    edges = rng.random((3, 8, 8))
    blank = cascade(model, lambda b: edges * (not moved(model, b)))  # type: ignore[arg-type]
    assert blank.final is None
    assert np.isnan(blank.curve).all()
    assert blank.verdict == UNCLEAR
    assert Cascade(((),), np.array([[0.1, 0.9, 0.2, 0.8]])).verdict == UNCLEAR


def test_seeds_repeat(model: Weights) -> None:
    first, again, other = (cascade(model, flat, seed=s).similarity for s in (0, 0, 1))  # type: ignore
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("layers", "steps", "expected"),
    [(4, 8, [1, 2, 3, 4]), (10, 4, [1, 4, 7, 10]), (3, 1, [3]), (1, 8, [1]), (161, 2, [1, 161])],
)
def test_steps_begin_with_the_last_layer_and_end_with_all(
    layers: int, steps: int, expected: list[int]
) -> None:
    assert step_counts(layers, steps) == expected


def test_what_is_refused(model: Weights) -> None:
    with pytest.raises(ModelError, match="no weights"):
        cascade(Weights({}), flat)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 steps"):
        cascade(model, flat, steps=0)  # type: ignore[arg-type]
    sizes = iter([4, 5])
    with pytest.raises(InputError, match="name one layer"):
        cascade(model, lambda _: np.ones((1, next(sizes))), steps=1)  # type: ignore[arg-type]


def test_gradcam_of_a_trained_model_depends_on_its_weights() -> None:
    """The demo's classifier on its scenes; a map of the photo's brightness does not."""
    pytest.importorskip("onnxruntime")
    backend = open_backend(MODEL.read_bytes())
    (info, *_), scenes = backend.inputs(), load_scenes()
    x = np.concatenate([preprocess(s.pixels(), PRESETS[PREPROCESS], info).x for s in scenes])
    found = cascade(backend, lambda b: explain(b, x, 4).signed, steps=3)
    assert found.similarity.shape == (3, len(scenes))
    assert found.weights[0][-1] == weight_layers(backend)[-1][-1]
    assert found.verdict == DEPENDS
    bright = cascade(backend, lambda _: x.mean(axis=1), steps=1, similarity=ssim)
    assert bright.verdict == INDIFFERENT
