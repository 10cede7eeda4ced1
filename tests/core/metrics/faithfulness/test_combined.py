"""ADCC and ARCC by hand, and against pytorch-grad-cam's numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.complexity import complexity
from cam_core.metrics.faithfulness import adcc, arcc, coherency, road
from cam_core.metrics.faithfulness.combined import PERCENTILES
from tests.core.metrics.peer import MAP, X, score

OTHER = (np.sqrt(MAP) * 0.9)[:, ::-1]
"""What stands for the map of the masked picture."""


def test_pytorch_grad_cam_values() -> None:
    """1.5.7, float32 and ROAD's noise set to 0: of `score`, and of 1 - `score`."""
    assert coherency(MAP, OTHER)[0] == pytest.approx(0.5311386, abs=1e-6)
    assert complexity(MAP)[0] == pytest.approx(0.475, abs=1e-6)
    options = {"percentiles": PERCENTILES, "noise": 0}
    worse = road(X, MAP, score, **options).combined
    better = road(X, MAP, lambda x: 1 - score(x), **options).combined
    assert worse[0] == pytest.approx(-0.0198072, abs=1e-6)
    assert better[0] == pytest.approx(0.0198072, abs=1e-6)
    assert arcc(MAP, OTHER, better)[0] == pytest.approx(0.10333838, abs=1e-5)
    assert arcc(MAP, OTHER, worse)[0] == 0  # 3e-8 there, of its 1e-8 in each denominator


def test_adcc_by_hand() -> None:
    """Coherency (1 + 1/2) / 2, complexity 1/2, drop 1/4: 3 / (4/3 + 2 + 4/3)."""
    maps = np.array([[0.0, 0.5, 1.0]])
    masked = np.array([[0.0, 1.0, 0.5]])  # correlates with 1/2
    assert adcc(maps, masked, np.array([0.25]))[0] == pytest.approx(3 / (4 / 3 + 2 + 4 / 3))


def test_one_term_of_nothing_leaves_nothing() -> None:
    maps, kept = np.array([[0.2, 0.8]]), np.zeros(1)
    assert adcc(maps, maps, kept)[0] == pytest.approx(0.75)  # 3 / (1 + 2 + 1)
    assert adcc(maps, maps, kept + 1)[0] == 0  # all is dropped
    assert adcc(maps, -maps, kept)[0] == pytest.approx(0, abs=1e-12)  # the masked map is opposite
    assert adcc(np.array([[1.0, 1 - 1e-13]]), np.eye(1, 2), kept)[0] == pytest.approx(0, abs=1e-12)
    assert math.isnan(adcc(np.full((1, 2), 0.5), np.eye(1, 2), kept)[0])


def test_roads_beyond_their_ends_are_cut_off() -> None:
    maps = np.array([[0.2, 0.8]])
    assert arcc(maps, maps, np.array([0.7]))[0] == pytest.approx(0.75)
    assert arcc(maps, maps, np.array([0.5]))[0] == pytest.approx(0.75)
    assert arcc(maps, maps, np.array([0.25]))[0] == pytest.approx(3 / 5)


def test_terms_are_one_a_map() -> None:
    with pytest.raises(InputError, match="one a map each"):
        adcc(np.eye(2), np.eye(2), np.zeros(3))
