"""The verdict of planted agreements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from cam_core.compare.photos import Answer, Pair, Seen
from cam_core.compare.verdict import WORDS, least_share, ratings, verdict


def photo(r: float, i: int = 0, **changes: Any) -> Pair:
    seen = Seen(np.ones((2, 2)), 1.0, 0.0, None, "")
    answer = Answer(0, "0", 1.0)
    made: dict[str, Any] = {
        "name": f"{i}.png",
        "target": "0",
        "sha256": ("a", "a"),
        "answers": (answer, answer),
        "flips": False,
        "scores": (1.0, 1.0),
        "maps": (seen, seen),
        "measures": {"spearman": r, "gain": 1.0},
        "bounds": {"noise": 0.99, "noise gain": 1.01, "noise flips": 0.0, "another class": -0.01},
    }
    return Pair(**made | changes)


def word(values: Sequence[float], **changes: Any) -> str:
    return verdict([photo(r, i, **changes) for i, r in enumerate(values)]).word


def test_by_maps_alone() -> None:
    assert word([0.99] * 12) == "the same"
    assert word([1.0] * 6) == "the same"
    assert word([0.95] * 12) == "nearly the same"
    assert word([0.99] * 11 + [0.5]) == "nearly the same"  # one photo is far
    assert word([0.4, 0.99] * 6) == "not clear"
    assert word([0.3] * 12) == "not the same"


def test_the_way_is_between_noise_and_another_class() -> None:
    found = verdict([photo(0.49, i) for i in range(8)])
    assert found.way is not None
    assert found.way.mean == pytest.approx((0.99 - 0.49) / (0.99 + 0.01))
    assert found.line == (
        "not the same: agreement 0.490 [0.490, 0.490] of 1, noise floor 0.990, another class "
        "-0.01; maps are 50% [50%, 50%] of the way to another class"
    )


def test_nothing_has_no_sign() -> None:
    (reason,) = verdict([photo(r, i) for i, r in enumerate([0.993] * 7 + [0.4] * 6)]).reasons
    assert reason == "maps are 0% [0%, 59%] of the way to another class"


def test_what_keeps_them_from_the_same_is_said() -> None:
    """The end of the interval, where its middle is as under noise."""
    (reason,) = verdict([photo(r, i) for i, r in enumerate([0.993] * 7 + [0.96] * 6)]).reasons
    assert reason == "maps are up to 3.0% of the way to another class"


def test_a_map_of_nothing_is_said_without_a_diagnosis() -> None:
    blank = Seen(np.zeros((2, 2)), 0.0, 0.0, None, "")
    lit = Seen(np.ones((2, 2)), 1.0, 0.0, None, "")
    found = verdict([photo(0.0, i, maps=(lit, blank)) for i in range(7)])
    assert found.reasons[0] == "B has no map of 7 photos (nothing above 0)"


def test_few_photos_say_nothing() -> None:
    assert word([1.0] * 5) == "cannot say"
    blank = Seen(np.zeros((2, 2)), 0.0, 0.0, None, "")
    empty = photo(float("nan"), maps=(blank, blank))
    assert verdict([*(photo(1.0, i) for i in range(5)), empty]).word == "cannot say"


def test_answers_that_flip() -> None:
    pairs = [photo(1.0, i, flips=i < 1) for i in range(12)]
    found = verdict(pairs)
    assert (found.word, found.reasons) == (
        "nearly the same",
        ("answers differ on 1 of 12 photos",),
    )
    assert verdict([photo(1.0, i, flips=i < 5) for i in range(12)]).word == "not the same"
    as_noise = {"noise": 0.99, "noise flips": 1.0, "another class": 0.0}
    assert word([1.0] * 12, flips=True, bounds=as_noise) == "the same"


@pytest.mark.parametrize(("count", "of"), [(0, 5), (1, 12), (5, 12), (12, 12), (300, 4000)])
def test_the_share_that_is_sure_is_scipys(count: int, of: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(count, of).proportion_ci(0.95).low
    assert least_share(count, of) == pytest.approx(expected, rel=1e-12)


def test_raw_maxima() -> None:
    def of(gain: float) -> str:
        return word([1.0] * 8, measures={"spearman": 1.0, "gain": gain})

    assert [of(g) for g in (1.02, 1.15, 2.0, 0.5)] == [
        *("the same", "nearly the same", "not the same", "not the same")
    ]


def test_a_map_that_one_model_has_not_counts_as_no_agreement() -> None:
    blank = Seen(np.zeros((2, 2)), 0.0, 0.0, None, "the map is zero")
    full = Seen(np.ones((2, 2)), 1.0, 0.0, None, "")
    nan = float("nan")
    pairs = [photo(nan, maps=(full, blank)), photo(nan, maps=(blank, blank)), photo(0.7)]
    np.testing.assert_array_equal(ratings(pairs), [0.0, nan, 0.7])
    found = verdict([photo(nan, i, maps=(full, blank)) for i in range(8)])
    assert found.word == "not the same"
    assert "B has no map of 8 photos (the map is zero)" in found.line
    none = verdict([photo(nan, maps=(blank, blank))])
    assert (none.word, none.line) == (
        "cannot say",
        "cannot say: no photo has a map in either model",
    )


def test_without_a_way_nothing_is_said() -> None:
    flat = {"noise": 0.99, "another class": 0.97}
    found = verdict([photo(1.0, i, bounds=flat) for i in range(8)])
    assert found.word == "cannot say"
    assert "maps of this layer do not tell" in found.line
    assert word([1.0] * 8, bounds={}) == "cannot say"
    either = flat | {"shuffled weights": 0.1}
    other = verdict([photo(1.0, i, bounds=either) for i in range(8)])
    assert (other.word, other.beyond) == ("the same", "shuffled weights")


def test_each_word_is_one_of_the_list() -> None:
    assert {word([r] * 8) for r in (1.0, 0.95, 0.2)} < set(WORDS)


def test_boxes_of_one_model_alone_are_other_answers() -> None:
    none: dict[str, Any] = {"pairs": [], "misses": [], "ghosts": []}
    boxes = [none | ({"ghosts": [{}]} if i % 3 == 0 else {}) for i in range(12)]
    found = verdict([photo(1.0, i, boxes=one, answers=None) for i, one in enumerate(boxes)])
    assert found.word == "nearly the same"
    assert "boxes of one model alone are on 4 of 12 photos" in found.line
    assert word([1.0] * 12, boxes=none, answers=None) == "the same"
    assert word([1.0] * 12, boxes=boxes[0], answers=None) == "not the same"
