"""Indices that take of each row a cell of its own: x[arange(N), k], as captions end in a token.

Which cell the numbers decide; that row i is taken of row i is written in the file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .factors import Axes, Axis, lost, size
from .regroup import regrouped
from .table import Step, Value


def by_columns(step: Step, indexed: int) -> Axes | None:
    """What a GatherND makes of the axes that it indexes; None where none of them is kept.

    Where a column of the indices counts 0, 1, 2, ... along one of their axes, and along no other,
    the cells along that one are those of the axis that it indexes, one after the other.
    """
    indices = step.shapes[1]
    if indices is None:
        return None
    columns = _columns(step, indices)
    found: list[Axis | None] = []
    for at, extent in enumerate(indices[:-1]):
        own = [step.x[j] for j in range(indexed) if _counts(columns[j], at, extent)]
        found.append(own[0] if len(own) == 1 and size(own[0]) == extent else None)
    if not any(found):
        return None
    kept = zip(found, indices[:-1], strict=True)
    return tuple(lost(n, step.lost()) if axis is None else axis for axis, n in kept)


def _columns(step: Step, indices: Sequence[int]) -> list[Value | None]:
    """The numbers of each column, where they are known."""
    table = step.value(1)
    if table is not None:
        return [table[..., j] for j in range(indices[-1])]
    node, _ = step.look(step.node.inputs[1])
    if node is None or node.op != "Concat" or len(node.inputs) != indices[-1]:
        return [None] * indices[-1]
    pieces = [step.look(tensor)[1] for tensor in node.inputs]
    shape = (*indices[:-1], 1)
    return [p[..., 0] if p is not None and p.shape == shape else None for p in pieces]


def _counts(column: Value | None, at: int, extent: int) -> bool:
    """Does it say 0, 1, 2, ... along that axis, whatever the others are?"""
    if column is None or extent == 1:
        return False
    steps = np.arange(extent).reshape([-1 if i == at else 1 for i in range(column.ndim)])
    return bool(np.array_equal(column, np.broadcast_to(steps, column.shape)))


def of_flattened(step: Step, axis: Axis) -> Axis | None:
    """The rows of an axis of rows and cells that a Gather takes one cell of each: i T + k.

    So exporters write x[arange(N), k]; None where the indices are others.
    """
    node, _ = step.look(step.node.inputs[1])
    if node is None or node.op != "Add":
        return None
    known = [one for one in (step.look(tensor)[1] for tensor in node.inputs) if one is not None]
    if len(known) != 1 or known[0].ndim != 1 or len(known[0]) < 2:
        return None
    N = len(known[0])
    T, rest = divmod(size(axis), N)
    if rest or not np.array_equal(known[0], np.arange(N) * T):
        return None
    rows, _ = regrouped([axis], (N, T), step.lost())
    return rows
