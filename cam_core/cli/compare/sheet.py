"""The pictures: a row a photo, worst first: the photo, both maps on one scale, their difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cam_core.backend import Array
from cam_core.compare.agreement import same_size
from cam_core.compare.photos import Lone, Pair, Seen
from cam_core.compare.run import Comparison
from cam_core.compare.with_recording import OTHER
from cam_core.image import Placement
from cam_core.image.figure import paint
from cam_core.image.marks import Mark, mark
from cam_core.image.panels import painted_sheet
from cam_core.image.tinted import signed_over
from cam_core.maps.combine import laid_over

from ..contact import small
from .words import strength

Shown = Callable[[int, Array], tuple[Array, Placement] | None]
"""(place among all, a map) -> the photo, and where it lies in the model's input."""
PICTURED = 12
"""Photos in the pictures."""
COLOURS = (
    "A and B of one row on one scale of colours; the last picture: red where B has more, blue "
    "where it has less"
)


@dataclass(frozen=True)
class Strip:
    """One photo's pictures, each with what stands beneath it."""

    pair: Pair
    pictures: list[tuple[Array, str]]


def strips(found: Comparison, shown: Shown) -> list[Strip]:
    """The worst photos; none where the inputs were no photos."""
    made = []
    for i in found.worst_first[:PICTURED]:
        pair = found.pairs[i]
        if any(one.signed.ndim != 2 or one.diagnosis == OTHER for one in pair.maps):
            continue
        known = shown(pair.index, pair.maps[0].signed)
        if known is not None:
            made.append(Strip(pair, panels(pair, small(known[0]), known[1])))
    return made


def panels(pair: Pair, photo: Array, placement: Placement) -> list[tuple[Array, str]]:
    """Photo, A, B and B - A; where B says something else, once more about that."""
    number = pair.measures["spearman"]
    first = [(photo, pair.name), *row(photo, pair.maps, [pair.target] * 2, number, placement)]
    for lone in pair.lone:
        first += lone_row(lone, photo, placement)
    if pair.answers is None or pair.answer_maps is None:
        return first
    says = pair.answers[1].label
    again = row(photo, pair.answer_maps, [says] * 2, pair.of_answer["spearman"], placement)
    return [*first, (photo, f"B says {says}"), *again]


def lone_row(lone: Lone, photo: Array, placement: Placement) -> list[tuple[Array, str]]:
    """A box that one model alone has: where it is, its map, and why the other has none there."""
    has, lacks = ("A", "B") if lone.kind == "misses" else ("B", "A")
    box, why = lone.facts["box"], lone.facts[f"in_{lacks.casefold()}"]
    name = box["label"] or f"class {box['class']}"
    scale = photo.shape[1] / placement.photo[1]
    corners = tuple(float(v * scale) for v in box["corners"])
    own = f"{name} ({strength(box):.3g})"
    gap = f"{why['lacks']:.2g} too little" if why["lacks"] > 0 else "another won"
    none = f"no box ({strength(why):.3g} there, {gap})"
    shown = mark(photo, [Mark(corners)], (photo.shape[0], photo.shape[1]))
    about = (own, none) if has == "A" else (none, own)
    return [
        (shown, f"only {has} has {own}"),
        *row(photo, lone.maps, about, lone.spearman, placement),
    ]


def row(
    photo: Array,
    maps: tuple[Seen, Seen],
    about: Sequence[str],
    number: float,
    placement: Placement,
) -> list[tuple[Array, str]]:
    """A, B and B - A of one question, or of two of one unit, A and B on one scale."""
    limit = max((one.raw_max for one in maps if not one.blank), default=0.0)
    drawn = [painted(photo, one, limit, placement) for one in maps]
    ends = [f"max {one.raw_max:.3g}" if not one.blank else "blank" for one in maps]
    labels = [f"{name}: {what}, {end}" for name, what, end in zip("AB", about, ends, strict=True)]
    agreed = "no number" if np.isnan(number) else f"agreement {number:.3f}"
    last = difference(photo, maps, placement), f"B - A, {agreed}"
    return [*zip(drawn, labels, strict=True), last]


def painted(photo: Array, seen: Seen, limit: float, placement: Placement) -> Array:
    """One map over the photo, 1 being the limit of both; a blank one leaves the photo."""
    if seen.blank or not limit > 0:
        return photo
    heat = over(np.maximum(seen.signed, 0) / limit, seen, placement)
    return paint(photo, np.clip(heat, 0, 1), placement)


def difference(photo: Array, maps: tuple[Seen, Seen], placement: Placement) -> Array:
    """L_B - L_A over the larger maximum of both, over the grey photo."""
    a, b = same_size(*(np.nan_to_num(one.signed[None]) for one in maps))
    most = max(np.abs(a).max(), np.abs(b).max())
    values = (b - a)[0] / most if most > 0 else (b - a)[0]
    laid = placement.to_photo(over(values, maps[0], placement), photo.shape[:2])
    return signed_over(photo, np.clip(laid, -1, 1))


def over(values: Array, seen: Seen, placement: Placement) -> Array:
    """Cells of a layer over the model's input."""
    laid: Array = laid_over(values[None].astype(np.float32), placement.size, seen.region)[0]
    return laid


def sheet(found: Comparison, made: Sequence[Strip], title: str) -> Array | None:
    """One picture of all rows; None of none."""
    if not made:
        return None
    pictures = [picture for strip in made for picture in strip.pictures]
    lines = [found.verdict.line, COLOURS]
    return painted_sheet(pictures, title=title, lines=lines, limits=None, across=4)
