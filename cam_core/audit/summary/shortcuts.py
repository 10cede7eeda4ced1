"""What a class may hang on besides the object, out of its maps: no label is needed, boxes help.

The maps of each answer are clustered by where they lie, and those that lie alike by the channels
that they come from (`maps.channels`), which tell features apart. A cluster that holds most photos
of its class and lies in one corner, or on the border, whatever the photo shows, is flagged: a mark,
a caption or a frame may betray the class. Where boxes are known a class is flagged whose maps lie
on the object less than a map does that is the same everywhere: its background may betray it.

A flag is a hint to look at the photos. What has no place of its own (a texture, a colour, a pose)
is not flagged; by its channels it may be a cluster to look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...maps.channels import SIZE
from ...metrics.intervals import Interval, mean_interval, paired_difference
from .clustering import parts
from .table import Table, grouped

LEAST = 12
"""Photos of an answer from which on its maps are clustered."""
HELD = 0.5
"""Of a class's photos that a flagged cluster has, and of its heat that lies in the place."""
LINED = 0.75
"""Of the heat that lies on the outermost cells of a cluster that is flagged for the border."""
SURE = 0.6
"""The silhouette from which on channels tell photos apart: the halves of what spreads along a line
reach 0.5 by themselves."""
FEW = 5
"""Photos that are no feature's of their own."""
OFF = 0.5
"""Of the share of an even map: what lies on the object surely less than that is flagged."""
ROWS = 50_000
"""Photos whose maps are looked at."""
CLASSES = 200
"""Answers that are looked at, the most frequent first."""
PHOTOS = 1000
"""Of an answer that are clustered, evenly spread over all: the distances of all take the square."""
DRAWS = 2000


@dataclass(frozen=True, eq=False)
class Cluster:
    """Photos of one answer whose maps lie alike."""

    answer: str
    rows: tuple[int, ...]
    """Those nearest to the middle first."""
    part: float
    """Of the answer's photos."""
    centre: Array
    """The mean map [h, w], of sum 1."""
    flag: str
    """Why it may be a shortcut; '' of none."""
    by_channels: bool = False
    """Does it lie where another does, and come from other channels?"""


@dataclass(frozen=True)
class Bias:
    """An answer whose maps lie off the object."""

    answer: str
    on_object: float
    """Mean share of the map."""
    even: float
    """That of a map that is the same everywhere."""
    difference: Interval
    """Of the mean of the share less OFF of that."""


def clusters_of(table: Table) -> list[Cluster]:
    """Those of each answer, the flagged ones first."""
    maps, places, height = maps_of(table)
    channels = channels_of(table, places, len(maps))
    found = []
    for answer, rows in answers(table, places >= 0).items():
        held = rows[np.unique(np.linspace(0, len(rows) - 1, min(PHOTOS, len(rows))).astype(int))]
        own, energy = maps[places[held]], table.numbers("energy_object")[held]
        for mask in parts(own):
            plane = own[mask].reshape(mask.sum(), height, -1)
            flag = "" if mask.mean() < HELD or _on_object(energy[mask]) else place(plane)
            masks = [mask] if flag else by_channels(mask, channels[places[held]])
            for one in masks:
                near = nearest(own[one])
                centre = own[one].mean(axis=0).reshape(height, -1)
                kept = tuple(int(row) for row in held[one][near])
                found.append(Cluster(answer, kept, float(one.mean()), centre, flag, len(masks) > 1))
    return sorted(found, key=lambda one: (not one.flag, -len(one.rows)))


def by_channels(mask: Array, channels: Array) -> list[Array]:
    """Photos whose maps lie alike, apart by the channels that these come from; masks of all.

    All together where they do not fall apart into FEW or more, are fewer than LEAST, or the
    channels of one are not known.
    """
    own = channels[mask]
    if len(own) < LEAST or not np.isfinite(own).all():
        return [mask]
    found, some = [], parts(own, SURE)
    if min(part.sum() for part in some) < FEW:
        return [mask]
    for part in some:
        one = mask.copy()
        one[mask] = part
        found.append(one)
    return found


def nearest(maps: Array) -> Array:
    """The order of maps [n, cells] by how near they are to their mean."""
    found: Array = np.argsort(np.linalg.norm(maps - maps.mean(axis=0), axis=1), kind="stable")
    return found


def channels_of(table: Table, places: Array, count: int) -> Array:
    """What `channels` has of those rows whose maps are kept [count, numbers]; NaN of none."""
    found = np.full((count, SIZE), np.nan, np.float32)
    rows = (row["channels"] for row in table.parts.rows(["channels"]))
    for values, at in zip(rows, places, strict=True):
        if at >= 0 and values is not None:
            found[at] = values
    return found


def maps_of(table: Table) -> tuple[Array, Array, int]:
    """The kept maps [M, cells], which of them each row has [N], -1 of none, and their height.

    Of more than ROWS photos so many, evenly spread. Maps of another size than the first one are
    left out. A file of rows is read at a time.
    """
    wanted = np.zeros(len(table), bool)
    wanted[np.linspace(0, len(table) - 1, min(ROWS, len(table))).astype(int)] = True
    places, found = np.full(len(table), -1, np.int32), np.zeros((0, 1), np.float32)
    height, count = 1, 0
    for i, values, tall in _kept(table, wanted):
        if values is None:
            continue
        if not count:
            height, found = int(tall), np.zeros((int(wanted.sum()), len(values)), np.float32)
        if len(values) == found.shape[1] and tall == height:
            found[count], places[i] = values, count
            count += 1
    return found[:count], places, height


def _kept(table: Table, wanted: Array) -> Iterator[tuple[int, list[float] | None, int]]:
    """The map and its height of each row that is wanted [N], with its place."""
    start = 0
    for part in table.parts.tables(["map", "map_height"]):
        some = np.flatnonzero(wanted[start : start + len(part)])
        for i, row in zip(some, part.take(some).to_pylist(), strict=True):
            yield start + int(i), row["map"], row["map_height"]
        start += len(part)


def answers(table: Table, known: Array) -> dict[str, Array]:
    """The rows of each answer that has LEAST of them or more."""
    names, codes = grouped(table.words("answer"))
    counts = np.bincount(codes[known & (codes >= 0)], minlength=len(names))
    often = [i for i in np.argsort(-counts, kind="stable") if counts[i] >= LEAST and names[i]]
    return {names[i]: np.flatnonzero(known & (codes == i)) for i in often[:CLASSES]}


def place(maps: Array) -> str:
    """Where maps [n, h, w] of sum 1 lie whatever they are of: a corner, the border; '' nowhere."""
    if min(maps.shape[1:]) < 3:
        return ""
    for name, cells in corners(maps.shape[1:]).items():
        if _surely(maps[:, cells].sum(axis=1), HELD):
            return f"in the {name} corner"
    ring = np.ones(maps.shape[1:], bool)
    ring[1:-1, 1:-1] = False
    return "on the border" if _surely(maps[:, ring].sum(axis=1), LINED) else ""


def corners(shape: tuple[int, ...]) -> Mapping[str, Array]:
    """The cells of each corner: a third of both sides, rounded up."""
    down, across = (-(-extent // 3) for extent in shape)
    rows = {"upper": slice(None, down), "lower": slice(-down, None)}
    columns = {"left": slice(None, across), "right": slice(-across, None)}
    found = {}
    for vertical, of_rows in rows.items():
        for side, of_columns in columns.items():
            cells = np.zeros(shape, bool)
            cells[of_rows, of_columns] = True
            found[f"{vertical} {side}"] = cells
    return found


def biases_of(table: Table) -> list[Bias]:
    """The answers whose maps surely lie off the object: OFF of an even map's share, or less."""
    energy, size = table.numbers("energy_object"), table.numbers("object_size")
    found = []
    for answer, rows in answers(table, np.isfinite(energy) & np.isfinite(size)).items():
        gap = paired_difference(energy[rows], OFF * size[rows], draws=DRAWS)
        if gap.high < 0:
            means = float(energy[rows].mean()), float(size[rows].mean())
            found.append(Bias(answer, *means, gap))
    return sorted(found, key=lambda one: one.difference.mean)


def _surely(shares: Array, least: float) -> bool:
    """Is the mean's interval above that?"""
    return mean_interval(shares.astype(np.float64), draws=DRAWS).low >= least


def _on_object(energy: Array) -> bool:
    """Is the object there, as far as boxes tell?"""
    known = energy[np.isfinite(energy)]
    return bool(known.size and known.mean() >= HELD)
