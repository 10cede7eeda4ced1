"""Operators that take cells which numbers choose: the best, those of a list, those of a table."""

from __future__ import annotations

from collections.abc import Sequence

from .cells import cut, picked
from .factors import (
    Axes,
    Axis,
    Lost,
    descends,
    fresh,
    loss,
    lost,
    size,
)
from .own_cells import by_columns
from .regroup import regrouped
from .spans import narrowed, spans
from .table import Step, moves


@moves("TopK")
def largest(step: Step) -> Sequence[Axes | None]:
    """Which cells, and in which order, the numbers decide."""
    return [_by_data(step, step.axis(default=-1), i) for i in range(len(step.made))]


@moves("ReverseSequence")
def reversed_in_part(step: Step) -> Sequence[Axes | None]:
    return [_by_data(step, step.axis("time_axis"), 0)]


@moves("GatherElements")
def gathered_apart(step: Step) -> Sequence[Axes | None]:
    return [_by_data(step, step.axis(), 0)]


def _by_data(step: Step, at: int, output: int) -> Axes | None:
    """The axes of the input, but one on which the numbers decide what comes from where."""
    shape = step.made[output]
    if shape is None:
        return None
    axis = step.x[at]
    why: Lost | None = step.lost() if descends(axis) else loss(axis)
    chosen: Axis = fresh(shape[at]) if why is None else lost(shape[at], why)
    firsts = [cut(a, 0, min(extent, size(a))) for a, extent in zip(step.x, shape, strict=True)]
    return (*firsts[:at], chosen, *firsts[at + 1 :])


@moves("GatherND")
def gathered_deep(step: Step) -> Sequence[Axes | None]:
    """Rows by data: the indices' axes, then what is left of the data's."""
    shape, chosen = step.made[0], step.given(1)
    indexed = None if step.shapes[1] is None else step.shapes[1][-1]
    if shape is None or chosen is None or indexed is None:
        return [step.unknown()]
    batch = int(step.attrs.get("batch_dims", 0))
    rest = step.x[batch + indexed :]
    table = step.value(1)
    if table is not None and table.size and (batch, indexed) == (0, 1):  # a Gather of the first
        found = picked(step.x[0], [int(i) for i in table.ravel()])
        return [(*regrouped([found], table.shape[:-1], step.lost()), *rest)]
    rows = shape[: len(shape) - len(rest)]
    gone = step.x[batch : batch + indexed]
    kept = [
        axis for axis, extent in zip(step.x[:batch], rows, strict=False) if size(axis) == extent
    ]
    if len(kept) != batch:
        return [step.unknown()]
    if not any(descends(axis) or loss(axis) for axis in gone):
        return [(*kept, *chosen[batch:-1], *rest)]
    own = None if batch else by_columns(step, indexed)
    left = (*kept, *(own or (lost(extent, step.lost()) for extent in rows[batch:])), *rest)
    return [narrowed(left, spans(step.x), step.lost())]
