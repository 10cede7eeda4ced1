"""Rate and time left, by a clock of the test's own."""

from __future__ import annotations

import pytest

from cam_core.cli.paced import in_lines, rate_of


@pytest.mark.parametrize(
    ("speed", "said"),
    [(None, ""), (0.0, ""), (250.04, "250/s"), (1.0, "1/s"), (0.25, "4 s each")],
)
def test_a_rate_in_words(speed: float | None, said: str) -> None:
    assert rate_of(speed) == said


def test_a_line_a_minute_at_most_with_what_is_left() -> None:
    now, said = [100.0], list[str]()
    show = in_lines(10_000, "auditing", said.append, lambda: now[0])
    show(4000)  # were there before
    for seconds, done in ((30, 4300), (60, 4600), (90, 4900), (119, 5190), (121, 5210)):
        now[0] = 100.0 + seconds
        show(done)
    assert said == [
        "auditing: 4600 of 10000, 10/s, 0:09:00 left",
        "auditing: 5210 of 10000, 10/s, 0:07:59 left",
    ]


def test_while_nothing_is_done_nothing_is_said() -> None:
    now, said = [0.0], list[str]()
    show = in_lines(10, "auditing", said.append, lambda: now[0])
    for now[0] in (0.0, 100.0, 200.0):
        show(0)
    assert said == []
