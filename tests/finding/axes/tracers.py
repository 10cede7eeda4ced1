"""What is claimed of axes against what a runtime does: where each cell really comes from.

`claimed` reads a claim cell by cell, by loops of its own. Two oracles know nothing of the table:
index pictures, whose numbers say which cell they are, through graphs that only move data; and
inputs of which one cell is disturbed, for operators that compute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import onnx

from backends.onnx.finding.axes.factors import Axes, Factor, Given, Joined, Lost, Reordered
from backends.onnx.finding.axes.walk import followed
from backends.onnx.finding.composites import recognise
from backends.onnx.reading.prepare import prepare
from backends.onnx.rules.spelled_out import unfolded

Window = tuple[Fraction, Fraction]
"""Of an input's axis, the lower end first."""
Claim = dict[tuple[str, int], Window]
"""(input, axis) -> the window that a cell covers there."""


def axes_of(model: onnx.ModelProto, probe: int = 0) -> dict[str, Axes]:
    """As the analysis sees the model."""
    graph = recognise(prepare(model), keep=[o.name for o in model.graph.output])
    return followed(unfolded(graph), probe)


def claimed(axes: Axes, index: tuple[int, ...]) -> Claim:
    """What is said of one cell; an input's axis of which nothing is said is left out."""
    parts = [part for axis, i in zip(axes, index, strict=True) for part in _digits(axis, i)]
    while any(_depth(factor.origin) for factor, _ in parts):
        outermost = max(_by_origin(parts), key=lambda group: _depth(group[0][0].origin))
        parts = [part for part in parts if part not in outermost] + _opened(outermost)
    found: Claim = {}
    for group in _by_origin(parts):
        origin, low, width = group[0][0].origin, *_place(group)
        if isinstance(origin, Given) and width:
            found[origin.input, origin.axis] = (low, low + width)
    return found


Part = tuple[Factor, int]
"""A factor and the number of a cell along it."""


def _digits(axis: tuple[Factor, ...], position: int) -> list[Part]:
    numbers = np.unravel_index(position, [f.extent for f in axis]) if axis else ()
    return [(factor, int(number)) for factor, number in zip(axis, numbers, strict=True)]


def _by_origin(parts: list[Part]) -> list[list[Part]]:
    groups: dict[Any, list[Part]] = {}
    for factor, number in parts:
        groups.setdefault(factor.origin, []).append((factor, number))
    return list(groups.values())


def _depth(origin: Any) -> int:
    """How many reorderings and joins lie in one another."""
    if isinstance(origin, Reordered):
        return 1 + max((_depth(f.origin) for f in origin.base), default=0)
    if isinstance(origin, Joined):
        return 1 + max((_depth(f.origin) for part in origin.parts for f in part), default=0)
    return 0


def _place(group: list[Part]) -> Window:
    """(the lower end of a cell, its width), 0 where two walk over the same (attention)."""
    widths = [abs(f.width) for f, _ in group if f.extent > 1]
    low = sum((f.start + k * f.width + min(f.width, 0) for f, k in group), Fraction(0))
    whole = len(widths) == len(set(widths))
    return low, min(abs(f.width) for f, _ in group) if whole else Fraction(0)


def _opened(group: list[Part]) -> list[Part]:
    """A cell of a reordering or of joined axes, as one of what they are made of."""
    origin, low, width = group[0][0].origin, *_place(group)
    if not isinstance(origin, Reordered | Joined):
        return group
    if not width:
        return []
    cell = int(low)
    if isinstance(origin, Reordered):
        return _digits(origin.base, origin.cells[cell])
    for part in origin.parts:
        extent = int(np.prod([f.extent for f in part]))
        if cell < extent:
            return _digits(part, cell)
        cell -= extent
    return []


def index_pictures(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Every cell its own number, from 1 on, no number twice."""
    found, start = {}, 1
    for name, shape in shapes.items():
        count = int(np.prod(shape))
        found[name] = np.arange(start, start + count, dtype=np.float32).reshape(shape)
        start += count
    return found


def wrong_moves(axes: Axes, result: Any, pictures: Mapping[str, Any]) -> list[str]:
    """Cells of moved index pictures that are not from where they are said to be."""
    ends = np.cumsum([picture.size for picture in pictures.values()])
    names = list(pictures)
    wrong = []
    for index in np.ndindex(result.shape):
        number = int(result[index])
        if number < 1:  # a pad, a constant
            continue
        which = int(np.searchsorted(ends, number))
        picture = pictures[names[which]]
        place = np.unravel_index(number - int(picture.flat[0]), picture.shape)
        for (name, axis), (low, high) in claimed(axes, index).items():
            if name != names[which]:
                continue
            if not low <= place[axis] < high:
                wrong.append(f"{index} is {name}{tuple(map(int, place))}, said {low}..{high}")
    return wrong


def said(axes: Axes) -> set[tuple[str, int]]:
    """The inputs' axes that are known of some cell of a tensor."""
    extents = [int(np.prod([f.extent for f in axis])) for axis in axes]
    return {origin for index in np.ndindex(*extents) for origin in claimed(axes, index)}


def losses(axes: Axes) -> list[Lost]:
    """Where something was lost."""

    def within(axis: tuple[Factor, ...]) -> Iterator[Lost]:
        for factor in axis:
            if isinstance(factor.origin, Lost):
                yield factor.origin
            elif isinstance(factor.origin, Reordered):
                yield from within(factor.origin.base)
            elif isinstance(factor.origin, Joined):
                for part in factor.origin.parts:
                    yield from within(part)

    return [lost for axis in axes for lost in within(axis)]
