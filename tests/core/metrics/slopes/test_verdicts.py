"""What a few steps along one direction say of G; estimates here are written down, not measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cam_core.metrics.slopes.curve import Estimate
from cam_core.metrics.slopes.verdicts import (
    ABOVE,
    AGREES,
    AT_A_KINK,
    BELOW,
    DIFFERS,
    LIMIT,
    UNTOLD,
    Line,
)

LINE = Line(exact=2.0, scale=2.0)
"""So that 0.006 is the limit."""


def at(slope: float, error: float = 1e-5, jump: float = 0.0, jump_error: float = 1e-4) -> Any:
    return Estimate(0, 0.1, slope, error, 1e-6, jump, jump_error)


SURE, OFF, ROUGH = at(2.0), at(2.02), at(2.0, error=1e-1)
KINK = at(2.5, jump=1.2)


@pytest.mark.parametrize(
    ("one", "word"),
    [
        (SURE, AGREES),
        (at(2.005), AGREES),
        (ROUGH, UNTOLD),
        (OFF, ABOVE),
        (at(1.98), BELOW),
        (at(2.02, error=5e-3), UNTOLD),  # 3 x 5e-3 is more than it is off by
        (KINK, AT_A_KINK),
        (at(2.5, jump=1.2, jump_error=0.5), UNTOLD),  # no kink for sure, and no smooth slope
        (at(2.5, jump=0.1, jump_error=0.1), ABOVE),
    ],
)
def test_one_step_says(one: Estimate, word: str) -> None:
    assert LINE.says(one) == word


@pytest.mark.parametrize(
    ("steps", "verdict", "kinked"),
    [
        ([SURE], AGREES, False),
        ([at(2.0, error=4e-3)], UNTOLD, False),  # one that is not ten times as sure
        ([at(2.1), at(2.0, error=4e-3), at(2.0, error=4e-3)], AGREES, False),
        ([OFF, OFF], UNTOLD, False),
        ([OFF, OFF, OFF], DIFFERS, False),
        ([OFF, at(2.021), at(2.019), ROUGH], DIFFERS, False),
        ([at(2.02), at(2.03), at(2.04)], UNTOLD, False),  # changes with the step
        ([at(0.0)] * 4 + [at(1.0, 0.5), at(1.999, 1e-2)], UNTOLD, False),  # flat, further off
        ([KINK] * 3, AT_A_KINK, True),
        ([at(3.5, jump=1.2)] * 3, UNTOLD, True),  # outside, by about a jump
        ([at(30.0, jump=1.2)] * 3, DIFFERS, True),
        ([at(2.5, jump=j) for j in (1.6, 1.2, 0.8)], UNTOLD, False),
        ([KINK] * 3 + [at(2.0, 0.1, 0.0, 0.1)], UNTOLD, False),  # was further on
    ],
)
def test_a_few_steps_say(steps: list[Estimate], verdict: str, kinked: bool) -> None:
    assert LINE.verdict(steps) == (verdict, kinked)


def test_no_more_steps_are_asked_for_than_help() -> None:
    assert LINE.settled([SURE])
    assert not LINE.settled([OFF] * 3)
    assert LINE.settled([OFF] * 4)
    assert not LINE.settled([at(0.0)] * 4)  # Y may be flat out there
    assert LINE.settled([KINK] * 4)


def test_where_g_is_0_errors_are_relative_to_the_slope() -> None:
    line = Line(0.0, 0.0)
    assert line.says(at(5.0)) == ABOVE
    assert line.limit_at(at(5.0)) == 5 * LIMIT
    assert line.says(replace(SURE, slope=0.0)) == AGREES
