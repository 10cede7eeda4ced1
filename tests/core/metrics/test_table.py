"""Every row of METRICS: what it takes, which way is better, and what the page says of it."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics import METRICS, find_metric
from cam_core.metrics.faithfulness import masked_scores
from tests.core.metrics.sanity.shuffled import Weights, flat
from tests.paths import ROOT

Array = np.ndarray
SIZE = 16
BOX = (3, 4, 9, 11)


def heat(left: int, top: int, right: int, bottom: int) -> Array:
    """Two equal maps with heat in a box, more in its middle."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    far = np.maximum(
        abs(x - (left + right) / 2) * 2 / (right - left),
        abs(y - (top + bottom) / 2) * 2 / (bottom - top),
    )
    return np.stack([np.maximum(0, 1 - 0.5 * far) * (far <= 1)] * 2)


GOOD, BAD = heat(*BOX), heat(9, 0, 16, 4)
MASK = np.zeros((2, SIZE, SIZE), bool)
MASK[:, BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
X = np.random.default_rng(5).random((2, 1, SIZE, SIZE)) + MASK[:, None]


def score(x: Array) -> Array:
    """A probability that hangs on the box alone."""
    inner = x[:, 0, BOX[1] : BOX[3], BOX[0] : BOX[2]].mean(axis=(1, 2))
    return 1 / (1 + np.exp(4 - 4 * inner))


def brighter(x: Array) -> Array:
    """One that clutter beside the box lowers, so that masking raises it."""
    return score(x) * (1 - 0.5 * np.where(MASK[:1, None], 0, x).mean(axis=(1, 2, 3)))


def other(maps: Array) -> Array:
    return np.roll(maps, 2, axis=-1)


REMOVING = (
    *("insertion", "deletion", "ROAD most first", "ROAD least first", "ROAD combined"),
    "occlusion correlation",
)
WEIGHTS = Weights({f"layer{i}.weight": np.random.default_rng(i).normal(size=40) for i in range(3)})
CASES: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    **{
        name: ((GOOD, [[BOX]] * 2), (BAD, [[BOX]] * 2))
        for name in (
            *("pointing game", "energy in box", "box overlap", "localisation error"),
            "MaxBoxAccV2",
        )
    },
    "relevance mass": ((GOOD, MASK), (BAD, MASK)),
    "relevance rank": ((GOOD, MASK), (BAD, MASK)),
    **{
        name: ((masked_scores(X, GOOD, score),), (masked_scores(X, BAD, score),))
        for name in ("relative drop", "absolute drop")
    },
    **{
        name: ((masked_scores(X, MASK * 1.0, brighter),), (masked_scores(X, BAD, brighter),))
        for name in ("increase", "relative gain", "absolute gain")
    },
    **dict.fromkeys(REMOVING, ((X, GOOD, score), (X, BAD, score))),
    "coherency": ((GOOD, GOOD), (GOOD, BAD)),
    "ADCC": ((GOOD, other(GOOD), np.full(2, 0.1)), (GOOD, other(GOOD), np.full(2, 0.9))),
    "ARCC": ((GOOD, other(GOOD), np.full(2, 0.4)), (GOOD, other(GOOD), np.full(2, 0.1))),
    **{name: ((GOOD,), (heat(0, 0, 16, 16),)) for name in ("complexity", "entropy", "sparseness")},
    **{name: ((GOOD, other(GOOD)), (GOOD, BAD)) for name in ("pearson", "spearman", "SSIM")},
    "randomisation": ((WEIGHTS, flat), (WEIGHTS, lambda _: GOOD[:1])),
}
"""By metric: (what a good map gives, what a bad one gives); of those that are neither, what maps
that are more alike give, and less."""


def test_every_metric_has_a_case() -> None:
    assert set(CASES) == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_better_is_where_the_table_says(name: str) -> None:
    metric, (good, bad) = METRICS[name], CASES[name]
    first, second = (np.asarray(metric(*given)) for given in (good, bad))
    if metric.better == "lower":
        first, second = second, first
    assert (first > second).all()
    if not metric.of_all:
        assert first.dtype == np.float64
        assert first.ndim == 1


@pytest.mark.parametrize("name", METRICS)
def test_arguments_are_what_it_needs(name: str) -> None:
    """`scores` are two."""
    metric = METRICS[name]
    taken = inspect.signature(metric.measure).parameters.values()
    needed = [p for p in taken if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    assert len(needed) == len(metric.needs) + ("scores" in metric.needs)
    rest = [p for p in taken if p not in needed]
    assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in rest)


@pytest.mark.parametrize("name", METRICS)
def test_a_row_says_what_it_is(name: str) -> None:
    metric = METRICS[name]
    assert metric.summary
    assert metric.formula
    assert metric.paper
    assert metric.measure.__doc__


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match="there are pointing game"):
        find_metric("pointing")


def test_the_page_has_the_table() -> None:
    made = import_module("examples.docs.list_metrics").table()
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert made in page, "python -m examples.docs.list_metrics"
