"""Rankings of planted numbers: what is better by construction wins, what is equal ties."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.ranking import Ranked, fewest, ranked
from cam_core.ranking.order import shared_places

Array = np.ndarray
DRAWS = 500


def places(rows: list[Ranked]) -> dict[str, int | None]:
    return {one.method: one.place for one in rows}


@pytest.fixture
def hard(rng: np.random.Generator) -> Array:
    """How hard each of 40 photos is: by far the most of what differs."""
    return rng.normal(0, 5, 40)


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_what_is_better_on_each_photo_wins(
    hard: Array, rng: np.random.Generator, better: str
) -> None:
    gain = 0.2 if better == "higher" else -0.2
    noise = rng.normal(0, 0.02, (3, 40))
    values = {
        "worst": hard - gain + noise[0],
        "middle": hard + noise[1],
        "best": hard + gain + noise[2],
    }
    found = ranked(values, better, draws=DRAWS)
    assert [one.method for one in found] == ["best", "middle", "worst"]
    assert places(found) == {"best": 1, "middle": 2, "worst": 3}
    assert not any(one.tied for one in found)
    assert found[0].behind is None
    for one, distance in zip(found[1:], (0.2, 0.4), strict=True):
        assert one.behind is not None
        assert one.behind.low < distance < one.behind.high
        assert one.behind.mean == pytest.approx(
            np.mean(np.abs(values["best"] - values[one.method]))
        )


def test_what_differs_by_chance_alone_ties_and_what_lies_behind_does_not(
    hard: Array, rng: np.random.Generator
) -> None:
    noise = rng.normal(0, 0.3, 40)
    noise -= noise.mean() - 1e-3
    values = {"a": hard, "b": hard + noise, "far": hard - 2, "same": hard.copy()}
    found = ranked(values, "higher", draws=DRAWS)
    assert places(found) == {"b": 1, "a": 1, "same": 1, "far": 4}
    assert {one.method for one in found if one.tied} == {"a", "same"}


def test_what_is_behind_shares_places_too(hard: Array) -> None:
    values = {"a": hard, "b": hard - 1, "c": hard - 1, "d": hard - 2}
    found = ranked(values, "higher", draws=DRAWS)
    assert places(found) == {"a": 1, "b": 2, "c": 2, "d": 4}
    assert not any(one.tied for one in found)


def test_steady_rounding_is_no_difference() -> None:
    a = np.linspace(1, 2, 20)
    assert places(ranked({"a": a, "b": a - 1e-6}, "higher", draws=DRAWS)) == {"a": 1, "b": 1}
    assert places(ranked({"a": a, "b": a - 1e-4}, "higher", draws=DRAWS)) == {"a": 1, "b": 2}


def test_a_tie_skips_what_is_between() -> None:
    pairs = {("c", "a"), ("d", "b")}
    found = shared_places("abcd", lambda one, first: (one, first) in pairs)
    assert found == {"a": 1, "c": 1, "b": 3, "d": 3}


def test_the_interval_is_of_pairs(hard: Array) -> None:
    """Unpaired, the photos' own spread would hide a shift of a hundredth of it."""
    best, other = ranked({"a": hard, "b": hard + 0.05}, "higher", draws=DRAWS)
    assert (best.method, other.place) == ("b", 2)
    assert other.behind is not None
    assert (other.behind.low, other.behind.high) == pytest.approx((0.05, 0.05))


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_fewest_photos_by_all_signs_that_there_could_be(level: float) -> None:
    """Two-sided sign test: how often n coins all fall alike, counted."""

    def chance(n: int) -> float:
        alike = sum(len(set(signs)) == 1 for signs in product("+-", repeat=n))
        return alike / 2**n

    n = fewest(level)
    assert chance(n) <= 1 - level + 1e-12 < chance(n - 1)


def test_too_few_photos_tie_however_far_apart() -> None:
    n = fewest(0.95)
    near, far = np.zeros(n), np.full(n, -9.0)
    assert places(ranked({"a": near[1:], "b": far[1:]}, "higher", draws=DRAWS)) == {"a": 1, "b": 1}
    assert places(ranked({"a": near, "b": far}, "higher", draws=DRAWS)) == {"a": 1, "b": 2}


def test_nobody_is_ahead_for_having_no_number_of_a_hard_photo() -> None:
    a, b = np.arange(10.0), np.arange(10.0) - 0.5
    b[:2] = np.nan
    none = np.full(10, np.nan)
    assert np.nanmean(b) > np.mean(a)  # though it is worse by a half on each photo that it has
    best, other, last = ranked({"b": b, "a": a, "none": none}, "higher", draws=DRAWS)
    assert (best.method, other.method, other.place) == ("a", "b", 2)
    assert other.mean is not None
    assert other.behind is not None
    assert (other.mean.mean, other.mean.rows, other.mean.left_out) == (np.mean(b[2:]), 8, 2)
    assert (other.behind.mean, other.behind.rows) == (0.5, 8)
    assert last == Ranked("none", None, None, None)


def test_other_photos_are_refused() -> None:
    with pytest.raises(InputError, match="same"):
        ranked({"a": np.zeros(3), "b": np.zeros(4)}, "higher")
