"""What a bar is told."""

from __future__ import annotations

from cam_core.cli.steps import Step


def test_parts_of_a_step_count() -> None:
    shown: list[float] = []
    step = Step(shown.append)
    step.within(0.5)
    step.within(1)
    step()
    step.within(0.25)
    step()
    assert shown == [0.5, 1, 1, 1.25, 2]


def test_nobody_sees_a_step_by_itself() -> None:
    step = Step()
    step.within(0.5)
    step()


def test_many_may_be_done_at_once() -> None:
    shown: list[float] = []
    step = Step(shown.append)
    step.at(256)
    step()
    assert shown == [256, 257]
