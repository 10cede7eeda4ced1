"""The mask of a box: its number by loops, and its slopes against differences of both outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head
from cam_core.targets import Asking, Seen, parse_target

SIZE = (40, 60)
HEAD = Head("s", "boxes", "", "s", 1, "Sigmoid", BoxNumbers("b", 2, more=4, prototypes="p"))


def outputs(rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Scores, corners with three coefficients, prototypes."""
    scores = np.full((2, 1, 7), -9.0)
    scores[0, 0, 3] = scores[1, 0, 1] = 2
    low = rng.uniform(2, 8, (2, 7, 2))
    numbers = np.concatenate([low, low + np.array([30, 22]), rng.normal(size=(2, 7, 3))], 2)
    return scores, numbers, rng.normal(size=(2, 3, 8, 12))


def asked(scores: Any, y: Any, p: Any, head: Head = HEAD) -> Any:
    seen = Seen(scores, {"b": y, "p": p}, Asking(None, 1, head), SIZE)
    (target,) = parse_target("mask@box:0", head=head)[0].found_in(seen)
    return target


def by_hand(y: Any, p: Any, row: int, anchor: int) -> float:
    """Place by place, 5 pixels each."""
    x0, y0, x1, y1, *c = y[row, anchor]
    kept = []
    for i in range(8):
        for j in range(12):
            value = sum(c[k] * p[row, k, i, j] for k in range(3))
            inside = x0 <= 5 * j + 2.5 <= x1 and y0 <= 5 * i + 2.5 <= y1
            kept += [value] if inside and value > 0 else []
    return float(np.mean(kept))


def test_its_number_and_its_slopes(rng: np.random.Generator) -> None:
    """The places are held: a step is too small to change one."""
    scores, y, p = outputs(rng)
    target = asked(scores, y, p)
    expected = [by_hand(y, p, 0, 3), by_hand(y, p, 1, 1)]
    assert (target.tensor, target.beside.tensor) == ("b", "p")
    np.testing.assert_allclose(target.score(y), expected)
    np.testing.assert_allclose(target.beside.score(p), expected)
    h, dy, dp = 1e-7, rng.normal(size=y.shape), rng.normal(size=p.shape)
    dy[..., :4] = 0
    for row, anchor in enumerate((3, 1)):
        ahead = by_hand(y + h * dy, p + h * dp, row, anchor)
        behind = by_hand(y - h * dy, p - h * dp, row, anchor)
        claimed = (target(y) * dy)[row].sum() + (target.beside(p) * dp)[row].sum()
        assert claimed == pytest.approx((ahead - behind) / (2 * h), rel=1e-5)


def test_it_is_told_how_large_it_is(rng: np.random.Generator) -> None:
    scores, y, p = outputs(rng)
    facts = asked(scores, y, p).detail[0]["mask"]
    assert 0 < facts["places"] < 96
    assert facts["share"] == facts["places"] / 96
    assert asked(scores[:1], y[:1], p[:1]).title(None, None) == "mask of class 0"


def test_what_there_is_not(rng: np.random.Generator) -> None:
    scores, y, p = outputs(rng)
    with pytest.raises(TargetError, match="no place of the mask is above 0 in its box"):
        asked(scores, y, 0 * p)
    plain = Head("s", "boxes", "", "s", 1, "Sigmoid", BoxNumbers("b", 2))
    with pytest.raises(TargetError, match=r"has no masks that are known .*; ask for box:0 or edge"):
        asked(scores, y, p, plain)
