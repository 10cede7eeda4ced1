"""A model that a corner mark betrays a class to, on photos with a mark, blurred and moved ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from scipy.ndimage import gaussian_filter

from cam_core import explain, open_backend
from cam_core.maps.stats import STATS
from cam_core.monitor import Rows, monitor
from tests.core.audit.planted import CORNER, MARK, MEAN, SIDE, STD, pictures, taught

WEEK, AUDITED = 150, 400


@pytest.fixture(scope="module")
def model() -> Any:
    return open_backend(taught(CORNER))


def rows(model: Any, x: Any, where: str) -> Rows:
    """What a device would log of photos uint8 [N, H, W, 3]."""
    fed = ((np.moveaxis(x, -1, 1) / 255.0 - MEAN) / STD).astype(np.float32)
    found = explain(model, fed)
    assert found.classes is not None
    return Rows(where, tuple(STATS), found.stats.astype(float), tuple(map(str, found.classes)))


@pytest.fixture(scope="module")
def baseline(model: Any) -> Rows:
    return rows(model, pictures(AUDITED, 7, CORNER)[0], "report")


def marked(x: Any) -> Any:
    """The mark in photos of every class."""
    found = x.copy()
    found[:, :MARK, :MARK] = 250
    return found


def blurred(x: Any) -> Any:
    return gaussian_filter(x, (0, 1.5, 1.5, 0))


def moved(x: Any) -> Any:
    """A quarter of the photo further down, its upper rows grey."""
    found = np.full_like(x, 90)
    found[:, SIDE // 4 :] = x[:, : -SIDE // 4]
    return found


@pytest.mark.parametrize("change", [marked, blurred, moved])
def test_what_a_device_sees_has_changed(change: Any, model: Any, baseline: Rows) -> None:
    week = pictures(WEEK, 8, CORNER)[0]
    assert monitor(rows(model, change(week), "week"), baseline).alarm


@pytest.mark.parametrize("seed", [8, 9, 10])
def test_photos_like_those_of_the_audit_are_the_same(seed: int, model: Any, baseline: Rows) -> None:
    week = rows(model, pictures(WEEK, seed, CORNER)[0], "week")
    assert monitor(week, baseline).alarm is False


def test_more_of_one_class_is_no_shift(model: Any, baseline: Rows) -> None:
    x, y, _ = pictures(4 * WEEK, 11, CORNER)
    kept = np.concatenate([np.flatnonzero(y == 1)[:120], np.flatnonzero(y == 2)[:30]])
    found = monitor(rows(model, x[kept], "week"), baseline)
    assert found.remixed
    assert found.alarm is False
    assert monitor(rows(model, x[kept], "week"), baseline, by_class=False).alarm
