"""Presets tried on B: a swapped order of colours and another range are named, drift is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cam_core.compare.presets import Presets, beyond_noise, try_presets
from tests.core.compare.test_verdict import photo
from tests.core.doctor.planted import INFO, Model, feeding, scenes

USED = feeding(scale=1 / 255)


def scores(model: Any, photos: Any) -> Any:
    return np.concatenate([model.look(USED.x(one)).score for one in photos])


def tried(b: Any, change: Callable[[Any], Any] = lambda y: y) -> tuple[Presets, int]:
    """What comes of B against the model of the same weights, and how many passes of B it took."""
    photos = scenes(np.random.default_rng(2), 8)
    a = Model(0)
    passes = []

    class Counted:
        class_axis = 1

        def look(self, x: Any, layers: Any = ()) -> Any:
            passes.append(x)
            found = b.look(x)
            return replace(found, score=change(found.score))

    own = change(scores(b, photos))
    found = try_presets(Counted(), USED, lambda i: photos[i], (scores(a, photos), own))  # type: ignore[arg-type]
    assert found is not None
    return found, len(passes)


@pytest.mark.parametrize(
    ("undo", "named"),
    [
        (lambda x: x[:, ::-1], "BGR 0-1"),
        (lambda x: x / 255, "RGB 0-255"),
        (lambda x: x[:, ::-1] / 255, "BGR 0-255"),
    ],
)
def test_what_was_planted_is_named(undo: Any, named: str) -> None:
    found, passes = tried(Model(0, undo))
    assert found.named == (named,)
    assert found.agrees == pytest.approx(1, abs=1e-6)
    assert f"when fed {named}" in found.said
    assert found.fed < found.agrees - 0.005
    assert passes <= found.tried + 2 * 6


def test_drift_is_no_preset() -> None:
    rng = np.random.default_rng(5)
    found, passes = tried(Model(0), lambda y: np.round(y * 8) / 8 + 0.02 * rng.normal(size=y.shape))
    assert (found.named, found.said) == ((), "")
    assert found.tried == passes  # one photo each and no more
    other, _ = tried(Model(1))
    assert other.named == ()


def test_it_is_not_told_without_pixels_or_classes() -> None:
    y = np.random.default_rng(0).normal(size=(4, 5))
    model: Any = Model(0)
    assert try_presets(model, USED, lambda i: None, (y, y + 1)) is None
    assert try_presets(model, USED, lambda i: None, (y[:, :2], y[:, :2])) is None
    assert USED.info is INFO


def test_only_what_noise_does_not_explain() -> None:
    bounds = {"noise": 0.99, "another class": 0.0}
    assert beyond_noise([photo(0.9, i, bounds=bounds) for i in range(8)])
    assert not beyond_noise([photo(0.995, i, bounds=bounds) for i in range(8)])
    spread = [photo(0.9, i, bounds={"noise": 0.99 if i % 2 else 0.8}) for i in range(8)]
    assert not beyond_noise(spread)
    assert not beyond_noise([photo(0.2, i, bounds={}) for i in range(8)])
