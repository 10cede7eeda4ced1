"""An audit from its first photo to its last, or from where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ..compare.sides import Sides
from ..errors import CamError, InputError, UnreachableError
from ..plural import counted
from .data import Item
from .measure import Column, Opened, Shot, row_of
from .measure.looking import look_at_both, look_at_one
from .measure.metrics import Estimate, estimated, with_numbers
from .memory import give_back
from .plan import TRIED, Plan
from .rows import Parts, locked, write_manifest

Open = Callable[[Callable[[tuple[int, Item]], Shot], Iterable[tuple[int, Item]]], Iterator[Shot]]
"""How photos are opened one after another; `map`, or one that opens the next one meanwhile."""


Part = list[tuple[int, Item]]
"""Photos with their places."""
Rows = list[dict[str, Any]]
Engine = Callable[[Iterator[Part], frozenset[int], Callable[[int], None]], Iterator[Rows]]
"""Makes the rows of part after part; of photos that are ready anything stands in their place."""


@dataclass(frozen=True)
class Done:
    """What a run found and did."""

    kept: int
    """Rows that were there already."""
    made: int


def run(
    plan: Plan,
    out: str | Path,
    *,
    step: Callable[[int], None] = lambda done: None,
    ahead: Open = map,
    engine: Engine | None = None,
    facts: Mapping[str, Any] | None = None,
    dear: Callable[[Estimate], None] | None = None,
) -> Done:
    """All photos to rows in the folder `out`; what is there already is kept.

    Args:
        plan: of the audit.
        out: the folder of the report.
        step: hears how many photos are done.
        ahead: opens photos one after another, as `map` does.
        engine: what makes the rows, a row of `ENGINES`; None: this process.
        facts: what the manifest tells besides.
        dear: hears what the plan's metrics will cost, before any row is made.

    Raises:
        InputError: the folder holds another report, or is written by another audit; the data is
            not what it was; nothing may be written, or the disk is full.
        UnreachableError: the file system of the photos does not answer.
    """
    folder, columns = Path(out), plan.columns
    with locked(folder):
        write_manifest(folder, plan.identity(), facts)
        kinds = {name: column.kind for name, column in columns.items()}
        parts = Parts(folder, kinds, sweeping=True)
        kept = parts.count
        step(kept)
        left = after(enumerate(plan.items()), parts)
        if dear is not None and (known := estimate(plan, plan.count - kept)) is not None:
            dear(known)
        first = bounded(plan, kept)
        give_back()
        ready = {index: made(shot, columns) for index, shot in first.items()}
        groups = iter(lambda: list(islice(left, plan.part)), [])
        work = Work(plan, columns, step, ahead, first)
        for rows in (work if engine is None else engine)(groups, frozenset(ready), step):
            parts.append([ready.get(row["index"], row) for row in rows])
        give_back()
        if parts.count != plan.count:
            raise InputError(
                f"the data had {counted(plan.count, 'photo')} and now has {parts.count}"
            )
    return Done(kept, parts.count - kept)


def after(items: Iterator[tuple[int, Item]], parts: Parts) -> Iterator[tuple[int, Item]]:
    """The photos that have no row yet.

    Raises:
        InputError: those that have one are others than they were.
    """
    for row in parts.rows(["photo"]):
        _, item = next(items, (-1, None))
        if item is None or item.id != row["photo"]:
            now = "nothing" if item is None else f"'{item.id}'"
            raise InputError(
                f"the data is not what it was: '{row['photo']}' stood where {now} is. Bring it "
                "back, or give another folder with -o."
            )
    return items


@dataclass(frozen=True)
class Work:
    """What makes rows of photos."""

    plan: Plan
    columns: Mapping[str, Column]
    step: Callable[[int], None]
    ahead: Open
    ready: Mapping[int, Shot]
    """Those that were looked at before."""

    def __call__(
        self, parts: Iterator[Part], ready: frozenset[int], step: Callable[[int], None]
    ) -> Iterator[Rows]:
        """Part after part, in this process."""
        return map(self.rows, parts)

    def rows(self, part: Sequence[tuple[int, Item]]) -> list[dict[str, Any]]:
        """Of some photos, in their order; so many at once are looked at."""
        found: list[dict[str, Any]] = []
        shots = self.ahead(self._opened, part)
        while some := list(islice(shots, self.plan.size)):
            found += [made(shot, self.columns) for shot in looked(self.plan.sides, self.plan, some)]
            self.step(part[0][0] + len(found))
        return found

    def _opened(self, one: tuple[int, Item]) -> Shot:
        ready = self.ready.get(one[0])
        return opened(self.plan, *one) if ready is None else ready


def bounded(plan: Plan, done: int) -> dict[int, Shot]:
    """The photos that the bounds are measured on, but for those of the rows that are done.

    They go first and alone: the model with shuffled weights is then needed no more.
    """
    wanted = [pair for pair in enumerate(plan.items()) if pair[0] in plan.bounded]
    sides = replace(plan.sides)  # holds the shuffled model, and is gone with it
    shots = (opened(plan, *pair) for pair in wanted if pair[0] >= done)
    return {shot.index: looked(sides, plan, [shot])[0] for shot in shots}


def estimate(plan: Plan, left: int) -> Estimate | None:
    """What the metrics of the plan cost for so many photos; None of none."""
    if not (plan.metrics and left):
        return None
    bare = replace(plan, metrics=(), bounds=0)
    pairs = islice(enumerate(plan.items()), TRIED)
    shots = (looked(plan.sides, bare, [opened(bare, *pair)])[0] for pair in pairs)
    return estimated(plan.sides, shots, plan.metrics, left)


def made(shot: Shot, columns: Mapping[str, Column]) -> dict[str, Any]:
    """A row; of a mask that cannot be read it holds the error."""
    try:
        return row_of(shot, columns)
    except UnreachableError:
        raise
    except CamError as error:
        return row_of(Shot(shot.item, shot.index, error=str(error)), columns)


def opened(plan: Plan, index: int, item: Item) -> Shot:
    """A photo with what is marked in it, or with the reason why it cannot be read."""
    shot = Shot(item, index, labels=plan.sides.labels[0])
    try:
        found: Opened = plan.opener(item, index)
    except UnreachableError:  # of no photo, and of none after it
        raise
    except CamError as error:
        return replace(shot, error=str(error))
    if index not in plan.bounded:  # what makes noise holds the photo
        found = replace(found, photo=replace(found.photo, noisy=None, noisy_b=None))
    return replace(shot, opened=found)


def looked(sides: Sides, plan: Plan, shots: Sequence[Shot]) -> list[Shot]:
    """The same, looked at by the models."""
    whole = [shot for shot in shots if shot.opened is not None and shot.one is None]
    known = tried(sides, plan, whole) if whole else []
    done = {shot.index: with_numbers(sides, shot, plan.metrics) for shot in known}
    return [done.get(shot.index, shot) for shot in shots]


def tried(sides: Sides, plan: Plan, shots: Sequence[Shot]) -> list[Shot]:
    """Together; where that fails one by one, so that each has its own error."""
    try:
        return asked(sides, plan, shots)
    except CamError as error:
        if len(shots) == 1:
            return [replace(shots[0], error=str(error))]
        return [one for shot in shots for one in tried(sides, plan, [shot])]


def asked(sides: Sides, plan: Plan, shots: Sequence[Shot]) -> list[Shot]:
    """One look of each model at all of them."""
    photos = [shot.opened.photo for shot in shots if shot.opened is not None]
    if not plan.referenced:
        ones = look_at_one(sides, photos)
        if isinstance(ones, str):
            return [replace(shot, error=ones) for shot in shots]
        return [replace(shot, one=one) for shot, one in zip(shots, ones, strict=True)]
    first = shots[0].index in plan.bounded
    both = look_at_both(sides, photos, bounded=first)
    if isinstance(both, str):
        return [replace(shot, error=both) for shot in shots]
    rows = zip(shots, both[0], both[1], strict=True)
    return [replace(shot, one=one, pair=pair) for shot, one, pair in rows]
