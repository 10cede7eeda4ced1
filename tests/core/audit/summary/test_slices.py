"""Slices of a table of planted columns, against plain loops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cam_core.audit.summary.slices import KINDS, LEAST, means, slices_of

COUNT = 60


def table(**changes: Any) -> Any:
    """Dark photos are wrong, and cats are rare."""
    rng = np.random.default_rng(9)
    brightness = np.linspace(0, 1, COUNT)
    numbers = {
        "brightness": brightness,
        "sharpness": np.full(COUNT, 3.0),
        "confidence": np.full(COUNT, np.nan),
        "object_size": np.where(np.arange(COUNT) % 2, np.nan, rng.random(COUNT)),
        "aspect": np.repeat([0.5, 1.05, 2.0], COUNT // 3),
        "correct": (brightness > 0.34).astype(float),
        **{name: np.full(COUNT, 0.5) for name in ("energy_object", "energy_background")},
        **{"energy_border": rng.random(COUNT), "blank": np.zeros(COUNT)},
        **changes,
    }
    labels = ["cat" if i < LEAST - 1 else "dog" if i % 3 else None for i in range(COUNT)]
    return SimpleNamespace(
        numbers=lambda name: numbers[name], words=lambda name: labels, referenced=False, metrics=[]
    )


def test_each_slice_is_that_of_a_loop() -> None:
    found = {(one.kind, one.name.split(":")[0]): one for one in slices_of(table())}
    assert ("class", "cat") not in found  # too few
    dogs = sum(i >= LEAST - 1 and i % 3 > 0 for i in range(COUNT))
    assert found["class", "dog"].photos == dogs
    assert [found["shape", n].photos for n in ("upright", "square", "wide")] == [20, 20, 20]
    assert [found["brightness", n].photos for n in ("low", "middle", "high")] == [20, 20, 20]
    assert sum(found["object size", n].photos for n in ("low", "middle", "high")) == COUNT // 2


def test_where_a_model_is_wrong_is_seen() -> None:
    found = {one.name.split(":")[0]: one for one in slices_of(table()) if one.kind == "brightness"}
    low, high = (found[name].numbers["correct"] for name in ("low", "high"))
    assert (low.mean, high.mean) == (0, 1)
    assert low.high < high.low


def test_a_column_of_one_value_or_none_has_no_thirds() -> None:
    kinds = {one.kind for one in slices_of(table())}
    assert kinds == set(KINDS) - {"sharpness", "confidence"}


def test_intervals_hold_the_mean_and_count_what_is_known() -> None:
    values = np.where(np.arange(COUNT) < 10, np.nan, 0.25)
    found = means(table(correct=values), ["correct", "confidence"], np.arange(COUNT) < 30)
    assert set(found) == {"correct"}  # of the other nobody knows a number
    assert (found["correct"].mean, found["correct"].rows) == (0.25, 20)
    assert found["correct"].low == found["correct"].high == pytest.approx(0.25)
