"""Targets are pulled as many at once as a look takes, and each is handed out once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from cam_core.backend import Gradients
from cam_core.pulling import Pulling
from cam_core.targets import ScoredTarget


class Several:
    """A look whose gradients say which target they are of."""

    def __init__(self, most: int) -> None:
        self.most, self.alone, self.together = most, [], []  # type: ignore[var-annotated]

    def pull(self, target: Any) -> Gradients:
        self.alone.append(target.label)
        return Gradients({target.label: np.zeros(1)})

    def pull_first(self, targets: Any) -> list[Gradients]:
        here = targets[: self.most]
        self.together.append([target.label for target in here])
        return [Gradients({target.label: np.zeros(1)}) for target in here]


def targets(*labels: str) -> list[ScoredTarget]:
    found: list[Any] = [SimpleNamespace(label=x, tensor=x.rpartition(".")[0]) for x in labels]
    return found


def test_as_many_at_once_as_it_takes() -> None:
    look, pulling, asked = Several(2), Pulling(), targets("0", "1", "2", "3", "4")
    pulling.expect(asked)
    found = [pulling.of(look, target) for target in asked]  # type: ignore[arg-type]
    assert [list(one.layers) for one in found] == [["0"], ["1"], ["2"], ["3"], ["4"]]
    assert (look.together, look.alone) == ([["0", "1"], ["2", "3"]], ["4"])


def test_those_of_another_output_are_left_out() -> None:
    look, pulling, asked = Several(9), Pulling(), targets("0", "out.0", "1")
    pulling.expect(asked)
    for target in asked:
        assert list(pulling.of(look, target).layers) == [target.label]  # type: ignore[arg-type]
    assert (look.together, look.alone) == ([["0", "1"]], ["out.0"])


def test_what_nobody_expected_is_pulled_alone() -> None:
    look, pulling, (one, other) = Several(9), Pulling(), targets("0", "1")
    pulling.of(look, one)  # type: ignore[arg-type]
    pulling.expect([other])
    pulling.of(look, other)  # type: ignore[arg-type]
    assert (look.together, look.alone) == ([], ["0", "1"])


def test_a_target_that_is_asked_twice_is_pulled_twice() -> None:
    look, pulling, (one, other) = Several(9), Pulling(), targets("0", "1")
    pulling.expect([one, other])
    for target in (one, other, one):
        assert list(pulling.of(look, target).layers) == [target.label]  # type: ignore[arg-type]
    assert look.together == [["0", "1"], ["0", "1"]]
