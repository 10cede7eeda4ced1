"""What is written into a part of a tensor: assignment to slices, x[:, 1:, :2] = y."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .agreement import agreed
from .cells import joined, picked
from .factors import Axes, Axis, descends, fresh, size
from .table import Step, Value, moves

Box = list[list[int]]
"""By axis, the cells that are written."""


@moves("ScatterND")
def scattered(step: Step) -> Sequence[Axes | None]:
    """What is written and what is left, axis by axis; of what has no places the other's.

    Where it is not known which cells are written, the axes of what is written into, if it has
    places.
    """
    updates = step.given(2)
    written = any(descends(axis) for axis in updates or ())
    into = any(descends(axis) for axis in step.x)
    box = box_of(step.value(1), step.shapes[0])
    if written and updates is not None and box is not None and len(updates) == len(step.x):
        return [_pasted(step, updates, box)]
    return [step.inputs[0] if into and not written else step.unknown()]


def box_of(indices: Value | None, shape: Sequence[int] | None) -> Box | None:
    """The cells along each axis of a tensor that rows of indices [*q, k] name, if that is a box."""
    if (
        indices is None
        or shape is None
        or not indices.size
        or indices.shape[-1] != indices.ndim - 1
    ):
        return None
    box: Box = []
    for axis, extent in enumerate(shape[: indices.shape[-1]]):
        own = np.moveaxis(indices[..., axis], axis, 0) % extent
        line = own.reshape(len(own), -1)
        if (line != line[:, :1]).any() or len(set(line[:, 0])) < len(line):
            return None
        box.append([int(cell) for cell in line[:, 0]])
    return box + [list(range(extent)) for extent in shape[len(box) :]]


def _pasted(step: Step, updates: Axes, box: Box) -> Axes:
    """Along the one axis of which a part is written, what is beside it; else both agree."""
    replaced = step.attrs.get("reduction", "none") in ("none", b"none")
    whole = [cells == list(range(size(axis))) for axis, cells in zip(step.x, box, strict=True)]
    alone = replaced and whole.count(False) == 1
    out: list[Axis] = []
    for old, new, cells, every in zip(step.x, updates, box, whole, strict=True):
        if every:
            out.append(new if replaced and all(whole) else agreed([old, new], step.lost()))
            continue
        beside = old if alone else fresh(size(old))
        pasted = _over(beside, new, cells)
        out.append(pasted if alone else agreed([old, pasted], step.lost()))
    return tuple(out)


def _over(old: Axis, new: Axis, cells: Sequence[int]) -> Axis:
    """An axis with cells of another in the place of some."""
    count = size(old)
    order = list(range(count))
    for i, cell in enumerate(cells):
        order[cell] = count + i
    return picked(joined([old, new]), order)
