"""What a row of METRICS refuses, and how it is called."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cam_core.errors import InputError
from cam_core.metrics import Metric


def row(*needs: str, read: str = "") -> Metric:
    def measure(*given: object, **options: object) -> SimpleNamespace:
        return SimpleNamespace(given=given, options=options)

    return Metric(measure, "", "", "", needs, "higher", read=read)  # type: ignore[arg-type]


def test_an_unknown_need_is_a_slip() -> None:
    with pytest.raises(InputError, match="no 'heat'"):
        row("heat")


def test_it_is_called_with_what_it_needs() -> None:
    found = row("map", "boxes")("a", "b", tolerance=3)
    assert (found.given, found.options) == (("a", "b"), {"tolerance": 3})
    with pytest.raises(InputError, match="takes maps, boxes of the object: 1 were given"):
        row("map", "boxes")("a")


def test_scores_are_handed_on_as_they_come() -> None:
    assert row("scores")(("Y", "O")).given == ("Y", "O")


def test_of_a_result_that_holds_more_one_number_is_read() -> None:
    assert row("map", read="given")("a") == ("a",)


def test_which_ones_run_the_model() -> None:
    assert row("input", "map", "score").forwards
    assert row("scores").forwards
    assert not row("map", "boxes").forwards
