"""Renders scenes of coloured shapes with their pixels and their two ends, some of them covered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from examples.coloured import COLOURS, OUTLINES, plain, scatter
from examples.demo.scenes import (
    Canvas,
    Scene,
    Thing,
    background,
    developed,
    draw_blob,
    draw_confetti,
    draw_line,
    stick,
)
from examples.detector.boxes import SIZE
from examples.heads.scenes import distances

ENDS = ("top", "bottom")
"""The keypoints: the highest and the lowest pixel of a thing."""
EDGE = 0.07
"""Radii of the white edge of a sticker, which belongs to it."""
COVERED, COVER = 0.33, 0.5
"""How often an end is under a sticker, and of how many radii of the thing that is."""
COVERS = ("star", "cross", "heart")
"""Shapes of no class, without a hole in the middle."""
TURNS = (0.15, 0.45)
"""A square that is turned by less has no highest corner."""
Place = tuple[float, float, float]
"""Centre x, y and radius, in units of the picture."""


@dataclass(frozen=True, eq=False)
class Known:
    """A scene, and what is known of its things, in their order."""

    scene: Scene
    masks: NDArray[np.bool_]
    """[things, size, size]: what is seen of each."""
    points: NDArray[np.float32]
    """[things, 2, 3]: of each end x, y in pixels, and 1 where it is seen, 0 where it is covered."""


def known(seed: int, *, things: tuple[int, int] = (2, 3), size: int = SIZE) -> Known:
    """One scene of so many things, from the least to the most."""
    rng = np.random.default_rng(seed)
    canvas = Canvas(size, background(rng, size))
    for draw in (draw_blob, draw_blob, draw_line, draw_line, draw_confetti, draw_confetti):
        draw(canvas, rng)
    count = int(rng.integers(things[0], things[1] + 1))
    placed, masks = [], []
    for place in scatter(rng, count, (0.12, 0.2)):
        shape = list(OUTLINES)[rng.integers(len(OUTLINES))]
        turn = rng.choice([-1, 1]) * rng.uniform(*TURNS)
        label, box, mask = laid(canvas, rng, shape, place, turn)
        placed.append((Thing(label, box), place[2]))
        masks.append(mask)
    whole = np.stack(masks)
    ends = np.stack([ends_of(mask) for mask in whole])  # [things, 2, 2]
    seen = whole.copy()
    for (_, radius), own in zip(placed, ends, strict=True):
        for column, row in own[rng.random(len(ENDS)) < COVERED]:
            at = (column + 0.5) / size, (row + 0.5) / size, COVER * radius
            seen &= ~laid(canvas, rng, COVERS[rng.integers(len(COVERS))], at, 0.0)[2]
    there = np.stack([m[tuple(e.T[::-1])] for m, e in zip(seen, ends, strict=True)])
    points = np.concatenate([ends + 0.5, there[..., None]], axis=2).astype(np.float32)
    return Known(Scene(developed(canvas, rng), tuple(t for t, _ in placed)), seen, points)


def laid(
    canvas: Canvas, rng: np.random.Generator, shape: str, place: Place, turn: float
) -> tuple[str, tuple[float, float, float, float], NDArray[np.bool_]]:
    """A sticker of a colour by lot: its label, its box in pixels, and its pixels [size, size]."""
    colour = list(COLOURS)[rng.integers(len(COLOURS))]
    own = np.clip(np.array(COLOURS[colour]) / 255 + rng.uniform(-0.04, 0.04, 3), 0, 1)
    box = stick(canvas, plain(shape), place, turn, (own, 0.8 * own))
    return f"{colour} {shape}", box, distances(canvas, shape, place, turn) < EDGE


def ends_of(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Column and row of the highest and of the lowest pixel [2, 2], the middle one of its row."""
    rows = np.flatnonzero(mask.any(axis=1))[[0, -1]]
    return np.array([[np.median(np.flatnonzero(mask[row])).round(), row] for row in rows], np.int64)
