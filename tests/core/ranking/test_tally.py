"""Numbers as they come in."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.ranking import Tally, agreed, tally
from cam_core.ranking.case import Case


def fed(monkeypatch: pytest.MonkeyPatch, numbers: dict[tuple[str, str], float | None]) -> None:
    """As if measuring a case named so by a method gave that; None: an error."""

    def measured(case: Case, metric: str, method: str) -> float:
        found = numbers[str(case.target), method]
        if found is None:
            raise InputError(f"no {metric}")
        return found

    monkeypatch.setattr(tally, "measure", measured)


def case(name: str, *methods: str) -> Case:
    return Case(None, np.zeros(1), name, dict.fromkeys(methods), None)  # type: ignore[arg-type]


def test_a_photo_is_one_number_however_many_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    fed(monkeypatch, {("cat", "a"): 1, ("dog", "a"): 2, ("cow", "a"): float("nan")})
    found = Tally(["a"], ["m"])
    found.add("1.jpg", [case("cat", "a"), case("dog", "a"), case("cow", "a")])
    found.add("2.jpg", [case("dog", "a")])
    found.add("3.jpg", [case("cow", "a")])
    np.testing.assert_array_equal(found.values("m")["a"], [1.5, 2, np.nan])
    assert (found.photos, found.targets) == (["1.jpg", "2.jpg", "3.jpg"], 5)


def test_what_never_worked_is_refused_and_what_failed_once_lacks_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fed(monkeypatch, {("cat", "good"): 1})
    found = Tally(["good", "bad"], ["m"])
    found.failed("bad", "1.jpg", InputError("needs attention"))
    found.explained("good")
    found.add("1.jpg", [case("cat", "good")])
    found.failed("good", "2.jpg", InputError("NaN"))
    found.add("2.jpg", [case("cat")])
    assert found.refused == {"bad": "needs attention"}
    assert found.at_work == ["good"]
    np.testing.assert_array_equal(found.values("m")["good"], [1, np.nan])
    assert found.notes["m", "good"] == "2.jpg: NaN"


def test_a_metric_without_any_number_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    fed(monkeypatch, {("cat", "a"): None, ("dog", "a"): 0})
    found = Tally(["a"], ["m"])
    found.add("1.jpg", [case("cat", "a")])
    assert found.none_of("m") == "no m"
    found.add("2.jpg", [case("dog", "a")])
    assert found.none_of("m") == ""


def test_best_by_all_metrics() -> None:
    assert agreed({"x": ["b", "a", "c"], "y": ["a", "b"]}) == ["b", "a"]
    assert agreed({"x": ["b"], "y": ["a"]}) == []
    assert agreed({}) == []
