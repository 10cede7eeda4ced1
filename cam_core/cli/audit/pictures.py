"""The photos of the page: the worst and typical ones, and mistakes, each looked at once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cam_core.audit.data import Item
from cam_core.audit.measure.looking import look_at_both, look_at_one
from cam_core.audit.plan import Plan
from cam_core.audit.summary import Summary
from cam_core.audit.summary.shortcuts import Cluster
from cam_core.backend import Array
from cam_core.compare.photos import Pair, Photo
from cam_core.errors import CamError
from cam_core.image import Placement
from cam_core.plural import counted
from cam_core.ranking.asking import class_of
from cam_core.sources.boxes import Labelled
from cam_core.sources.boxes.labelled import class_or_name

from ..compare.sheet import difference, painted, panels
from ..contact import small
from .opened import Fed, picture_of

WORST, TYPICAL, MISTAKES = 6, 3, 6
"""Photos of each kind."""
CLUSTERS, SHEET = 6, 4
"""Clusters that are shown, and photos of each."""


@dataclass(frozen=True)
class Strip:
    """One photo's pictures, each with what stands beneath it."""

    name: str
    pictures: Sequence[tuple[Array, str]]


Draw = Callable[[Plan, Photo, str, Array, Placement], Iterator[tuple[Array, str]]]
"""Of a photo with its label and how it is shown, pictures with what stands beneath them."""


def chosen(found: Summary) -> dict[str, list[int]]:
    """By kind, the rows whose photos are shown.

    The worst are those furthest on the way to another class; of one model those with most of the
    map off the object, or at the border where nothing is marked. Typical ones are in the middle.
    """
    badness = rated(found)
    known = np.flatnonzero(np.isfinite(badness))
    order = known[np.argsort(-badness[known], kind="stable")]
    middle = max(0, len(order) // 2 - TYPICAL // 2)
    wrong = np.flatnonzero(found.values("correct") == 0)
    sure = np.nan_to_num(found.values("confidence")[wrong])
    return {
        "worst": order[:WORST].tolist(),
        "typical": [i for i in order[middle : middle + TYPICAL].tolist() if i not in order[:WORST]],
        "mistakes": wrong[np.argsort(-sure, kind="stable")][:MISTAKES].tolist(),
    }


def rated(found: Summary) -> Array:
    """How bad each row is [N], NaN of one without a number."""
    if found.table.referenced:
        way = found.values("way")
        return -found.values("spearman") if np.isnan(way).all() else way
    object_energy = found.values("energy_object")
    if np.isfinite(object_energy).sum() * 2 > len(object_energy):
        return -object_energy
    return found.values("energy_border")


def sheets(found: Summary, plan: Plan, fed: Fed) -> list[tuple[str, Strip]]:
    """Of some clusters, those that may be shortcuts first, the photos nearest to their middle."""
    some = found.clusters[:CLUSTERS]
    wanted = {row for one in some for row in one.rows[:SHEET]}
    items = {i: item for i, item in enumerate(plan.items()) if i in wanted}
    made = []
    for one in some:
        each = (drawn(plan, fed, items[i], i, "", own) for i in one.rows[:SHEET] if i in items)
        pictures = [picture for strip in each if strip is not None for picture in strip.pictures]
        if pictures:
            made.append((cluster_said(one), Strip(one.answer, pictures)))
    return made


def cluster_said(one: Cluster) -> str:
    """Which photos, and whether that is doubtful."""
    said = f"{one.answer}: {counted(len(one.rows), 'photo')}, {one.part:.0%} of the answer's"
    if one.flag:
        return f"{said}, lie {one.flag} whatever they show"
    return f"{said}, by channels of their own" if one.by_channels else said


def own(
    plan: Plan, photo: Photo, label: str, shown: Array, placement: Placement
) -> Iterator[tuple[Array, str]]:
    """The model's map."""
    ones = look_at_one(plan.sides, [photo])
    if not isinstance(ones, str) and ones[0].seen.signed.ndim == 2:
        seen = ones[0].seen
        yield painted(shown, seen, seen.raw_max, placement), photo.name


def strips(
    found: Summary, plan: Plan, fed: Fed, rows: Mapping[str, Sequence[int]]
) -> dict[str, list[Strip]]:
    """The pictures of those rows; none of what is no photo, or has no map in a plane."""
    wanted = {i for of in rows.values() for i in of}
    items = {i: item for i, item in enumerate(plan.items()) if i in wanted}
    labels, made = found.table.words("label"), {}
    for kind, indices in rows.items():
        draw = mistake if kind == "mistakes" else looks
        each = (drawn(plan, fed, items[i], i, labels[i] or "", draw) for i in indices if i in items)
        made[kind] = [strip for strip in each if strip is not None]
    return made


def drawn(plan: Plan, fed: Fed, item: Item, index: int, label: str, draw: Draw) -> Strip | None:
    """One photo."""
    try:
        picture = picture_of(fed, item)
        photo = plan.opener(item, index).photo
        placement = photo.placement
        if picture is None or not isinstance(placement, Placement):
            return None
        pictures = list(draw(plan, photo, label, small(picture), placement))
    except CamError:  # the row says why
        return None
    return Strip(item.id, pictures) if pictures else None


def looks(
    plan: Plan, photo: Photo, label: str, shown: Array, placement: Placement
) -> Iterator[tuple[Array, str]]:
    """The photo, both maps on one scale and their difference; of one model its map."""
    if plan.referenced:
        both = look_at_both(plan.sides, [photo])
        if not isinstance(both, str) and flat(both[1][0]):
            yield from panels(both[1][0], shown, placement)[:4]
        return
    ones = look_at_one(plan.sides, [photo])
    if isinstance(ones, str) or ones[0].seen.signed.ndim != 2:
        return
    seen, said = ones[0].seen, ones[0].target
    yield shown, f"{photo.name}: {label}" if label else photo.name
    yield painted(shown, seen, seen.raw_max, placement), f"{said}, max {seen.raw_max:.3g}"


def mistake(
    plan: Plan, photo: Photo, label: str, shown: Array, placement: Placement
) -> Iterator[tuple[Array, str]]:
    """The photo, the maps of what was said and of what is true on one scale, and the difference."""
    ones = look_at_one(plan.sides, [photo])
    names = plan.sides.labels[0]
    if isinstance(ones, str) or ones[0].answer is None:
        return
    true = class_of(Labelled(class_or_name(label), 0, 0, 1, 1), names, plan.sides.a.classes)
    if true is None:
        return
    maps = []
    for index in (ones[0].answer.index, true):
        found = look_at_one(replace(plan.sides, target=str(index)), [photo])
        if isinstance(found, str) or found[0].seen.signed.ndim != 2:
            return
        maps.append(found[0])
    top = max(one.seen.raw_max for one in maps)
    yield shown, photo.name
    for word, one in zip(("says", "true"), maps, strict=True):
        said = f"{word} {one.target}, {one.score:.3g}"
        yield painted(shown, one.seen, top, placement), said
    pair = maps[0].seen, maps[1].seen
    yield difference(shown, (pair[1], pair[0]), placement), "red speaks for what it says"


def flat(pair: Pair) -> bool:
    """Are both maps planes?"""
    return all(one.signed.ndim == 2 for one in pair.maps)
