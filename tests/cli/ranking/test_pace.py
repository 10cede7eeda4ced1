"""What is told of a run of many photos, on a clock that the test winds."""

from __future__ import annotations

import pytest

from cam_core.cli.ranking.pace import Pace, in_words
from cam_core.cli.steps import Step


def run(
    seconds: list[float], between: float = 0.0, parts: int = 4, more: int = 0
) -> tuple[list[tuple[float, int]], list[float]]:
    """What is said of photos that take so long, all measured, and where the bar was."""
    said: list[tuple[float, int]] = []
    bar: list[float] = []
    now = [0.0]
    pace = Pace(
        Step(bar.append), len(seconds), parts, lambda *told: said.append(told), lambda: now[0]
    )
    for one in seconds:
        for _ in range(parts + more):
            pace.part()
        now[0] += one
        pace.photo(measured=True)
        now[0] += between
        pace.next()
    return said, bar


@pytest.mark.parametrize("more", [0, 3])
def test_the_bar_moves_within_a_photo_and_never_back(more: int) -> None:
    _, bar = run([1.0, 1.0], more=more)
    whole = [0.25, 0.5, 0.75, *[1.0] * (1 + more), 1]
    assert bar == [*whole, *(1 + share for share in whole)]


def test_the_first_photo_tells_where_it_takes_long() -> None:
    assert run([40.0, 30.0, 30.0, 30.0])[0] == [(40.0, 3)]


def test_else_the_second_as_the_first_sets_up_the_model() -> None:
    assert run([9.0] + [2.0] * 40, between=3.0)[0] == [(2.0, 39)]


def test_a_short_run_is_not_worth_a_word() -> None:
    assert run([9.0, 2.0, 2.0])[0] == []
    assert run([300.0])[0] == []  # nothing is left


def test_how_long_in_words() -> None:
    assert [in_words(s) for s in (60, 61, 5399, 9000)] == [
        *("1 minute", "2 minutes", "90 minutes", "2.5 hours")
    ]
