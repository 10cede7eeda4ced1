"""The contact sheet of a photo: a row a target, a column a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cam_core.backend import Array
from cam_core.image.figure import paint, resized
from cam_core.image.panels import painted_sheet
from cam_core.image.png import png
from cam_core.methods import find_method

from .explained import Explained, Unit
from .inputs.samples import Sample
from .joint import joints
from .naming import subject
from .pictures import coloured

Column = tuple[str, str]
"""A method and a layer."""
Cell = tuple[str, str, str]
"""A target, and its column."""
LONGER = 256
"""Pixels of a panel."""


def contact(
    sample: Sample, explained: Sequence[Explained], tops: Mapping[Unit, float]
) -> dict[str, bytes]:
    """`IMAGE.methods.png`: the photo, then its map by each method, all targets beneath each other.

    Nothing of one method, of a photo that is none, or where no map lies over it.

    Args:
        tops: by unit, the raw value of the last colour, where all pictures have one scale.
    """
    name = explained[0].row.sheet if explained else ""
    if not name or sample.picture is None or sample.placement is None:
        return {}
    photo, columns = small(sample.picture), columns_of(explained)
    limits = limits_of(explained, tops)
    rows = [across(sample, photo, row, columns, limits) for row in by_target(explained)]
    pictures = [one for row in rows for one in row]
    layers = dict.fromkeys(one.explanation.layer for one in explained)
    lines = [f"at {', '.join(layers)}; {scale_said(explained, limits)}"]
    drawn = painted_sheet(pictures, title=sample.slot.name, lines=lines, across=1 + len(columns))
    return {f"{name}.png": png(drawn)}


def limits_of(explained: Sequence[Explained], tops: Mapping[Unit, float]) -> dict[Cell, float]:
    """By target and column, the raw value of the last colour, where maps share one."""
    found = {
        cell_of(one): joint.limit
        for joint in joints(explained)
        if joint.limit is not None
        for one in joint.each
    }
    return found | {cell_of(one): tops[one.unit] for one in explained if one.unit in tops}


def scale_said(explained: Sequence[Explained], limits: Mapping[Cell, float]) -> str:
    """What the colours of the sheet are."""
    own = [one for one in explained if cell_of(one) not in limits]
    if not own:
        return "the maps of a method on one scale"
    ends = any(find_method(one.explanation.method).at == "input" for one in own)
    pixels = ", of pixels over their 99th percentile" if ends else ""
    mistake = "; those of a mistake, of a method, on one scale" if limits else ""
    return f"each map over its own maximum{pixels}{mistake}"


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


def cell_of(one: Explained) -> Cell:
    """Where its map is on the sheet."""
    return one.row.target, *column_of(one)


def by_target(explained: Sequence[Explained]) -> list[dict[Column, Explained]]:
    """The maps over the photo, by column, of each target."""
    found: dict[str, dict[Column, Explained]] = {}
    for one in explained:
        found.setdefault(one.row.target, {})[column_of(one)] = one
    return list(found.values())


def across(
    sample: Sample,
    photo: Array,
    row: dict[Column, Explained],
    columns: Mapping[Column, str],
    limits: Mapping[Cell, float],
) -> list[tuple[Array, str]]:
    """The photo over the name of the target, and each map over the name of its column."""
    first = next(iter(row.values())).row
    named = (photo, first.label or subject(first.target, first.entry))
    return [
        named,
        *(painted(sample, photo, row.get(key), name, limits) for key, name in columns.items()),
    ]


def painted(
    sample: Sample, photo: Array, one: Explained | None, name: str, limits: Mapping[Cell, float]
) -> tuple[Array, str]:
    """One map over the photo, and what is printed beneath it."""
    placement = sample.placement
    assert placement is not None
    if one is None or not one.explanation.lies_over(placement.size):
        return photo, f"{name}: no map"
    if one.explanation.blank[0]:
        return photo, f"{name}: blank"
    own = one.explanation.heatmap(placement.size)[0]
    heat = coloured(one.explanation, own, top=limits.get(cell_of(one)))
    return paint(photo, np.minimum(heat, 1), placement), name


def small(picture: Array) -> Array:
    """The photo as large as a panel."""
    factor = LONGER / max(picture.shape[:2])
    height, width = (max(1, round(extent * factor)) for extent in picture.shape[:2])
    return resized(picture, (height, width))
