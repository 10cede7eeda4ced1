"""What is said of a line is said alike, however its reader spells it."""

from __future__ import annotations

import math

import pytest

from cam_core.targets.reading.told import likely, titled
from tests.core.targets.reading.test_slots import ask, log_p, steps

LINE = {"text": {"line": "ab c", "probability": 0.25}}


def test_of_a_line_a_caption_and_of_several_rows() -> None:
    assert (titled([LINE]), likely([LINE])) == ("'ab c'", 0.25)
    assert (titled([{"caption": "a dog"}]), likely([{"caption": "a dog"}])) == ("a dog", None)
    for several in ([], [LINE, LINE]):
        assert (titled(several), likely(several)) == ("", None)


def test_a_line_of_slots_has_its_probability() -> None:
    """The product of those of its characters and of the end."""
    y = steps(1, 2, 2, 0, 3)
    (target,) = ask("text", y)
    by_hand = math.exp(log_p(y, (0, 1), (1, 2), (2, 2), (3, 0)))
    assert target.probability == pytest.approx(by_hand, rel=1e-9)
    assert target.title(None, None) == "'abb'"
