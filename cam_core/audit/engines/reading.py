"""Parts of an audit in a process that holds models of its own, whoever started it."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Any, Protocol

from ..measure import Shot
from ..plan import Plan
from ..run import Part, Work

AGAIN = 3
"""How often a process may end under the photos before it should: another takes what it had."""


class Opening(Hashable, Protocol):
    """Makes the plan in each process: it is pickled, and its plan is kept there."""

    def __call__(self) -> Plan:
        """The same plan as that of the run."""
        ...


class Reading:
    """The photos of a plan in a process, which goes through them from part to part."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._items = enumerate(plan.items())
        self._at = 0

    def part(self, start: int, end: int) -> Part:
        """The photos from `start` to before `end`; those between two parts are others'."""
        if start < self._at:
            self._items, self._at = enumerate(self.plan.items()), 0
        found = list(islice(self._items, start - self._at, end - self._at))
        self._at = end
        return found

    def rows(self, start: int, end: int, ready: frozenset[int]) -> list[dict[str, Any]]:
        """The rows of a part; those that are ready are empty."""
        part = self.part(start, end)
        empty = {index: Shot(item, index) for index, item in part if index in ready}
        return Work(self.plan, self.plan.columns, lambda done: None, map, empty).rows(part)


def ends_of(part: Part) -> tuple[int, int]:
    """The first photo, and the one after the last."""
    return part[0][0], part[-1][0] + 1
