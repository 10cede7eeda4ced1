"""The contact sheet of a photo: a row a target, a column a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cam_core.backend import Array
from cam_core.image.figure import paint, resized
from cam_core.image.panels import painted_sheet
from cam_core.image.png import png
from cam_core.methods import find_method

from .explained import Explained
from .inputs.samples import Sample
from .naming import subject
from .pictures import coloured

Column = tuple[str, str]
"""A method and a layer."""
LONGER = 256
"""Pixels of a panel."""


def contact(sample: Sample, explained: Sequence[Explained]) -> dict[str, bytes]:
    """`IMAGE.methods.png`: the photo, then its map by each method, all targets beneath each other.

    Nothing of one method, of a photo that is none, or where no map lies over it.
    """
    name = explained[0].row.sheet if explained else ""
    if not name or sample.picture is None or sample.placement is None:
        return {}
    photo, columns = small(sample.picture), columns_of(explained)
    pictures = [one for row in by_target(explained) for one in across(sample, photo, row, columns)]
    ends = any(find_method(one.explanation.method).at == "input" for one in explained)
    pixels = ", of pixels over their 99th percentile" if ends else ""
    layers = dict.fromkeys(one.explanation.layer for one in explained)
    lines = [f"at {', '.join(layers)}; each map over its own maximum{pixels}"]
    drawn = painted_sheet(pictures, title=sample.slot.name, lines=lines, across=1 + len(columns))
    return {f"{name}.png": png(drawn)}


def columns_of(explained: Sequence[Explained]) -> dict[Column, str]:
    """Each method, at each of its layers, and what it is called."""
    found = dict.fromkeys(column_of(one) for one in explained)
    methods = [method for method, _ in found]
    return {
        column: method if methods.count(method) == 1 else f"{method} at {layer}"
        for column in found
        for method, layer in [column]
    }


def column_of(one: Explained) -> Column:
    """Method and layer."""
    return one.explanation.method, one.explanation.layer


def by_target(explained: Sequence[Explained]) -> list[dict[Column, Explained]]:
    """The maps over the photo, by column, of each target."""
    found: dict[str, dict[Column, Explained]] = {}
    for one in explained:
        found.setdefault(one.row.target, {})[column_of(one)] = one
    return list(found.values())


def across(
    sample: Sample, photo: Array, row: dict[Column, Explained], columns: Mapping[Column, str]
) -> list[tuple[Array, str]]:
    """The photo over the name of the target, and each map over the name of its column."""
    first = next(iter(row.values())).row
    named = (photo, first.label or subject(first.target, first.entry))
    return [named, *(painted(sample, photo, row.get(key), name) for key, name in columns.items())]


def painted(sample: Sample, photo: Array, one: Explained | None, name: str) -> tuple[Array, str]:
    """One map over the photo, and what is printed beneath it."""
    placement = sample.placement
    assert placement is not None
    if one is None or not one.explanation.lies_over(placement.size):
        return photo, f"{name}: no map"
    if one.explanation.blank[0]:
        return photo, f"{name}: blank"
    heat = coloured(one.explanation, one.explanation.heatmap(placement.size)[0])
    return paint(photo, np.minimum(heat, 1), placement), name


def small(picture: Array) -> Array:
    """The photo as large as a panel."""
    factor = LONGER / max(picture.shape[:2])
    height, width = (max(1, round(extent * factor)) for extent in picture.shape[:2])
    return resized(picture, (height, width))
