"""Renders scenes of coloured shapes: "red circle", "blue square", on the demo's backgrounds.

What the detector, the captioner and the answerer of questions learn from. Any two things of a
scene are apart; what has another shape is clutter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
from examples.demo.shapes import SHAPES as TEXTURED
from examples.demo.shapes import Field, Shape, box, step

COLOURS = {
    "red": (218, 48, 44),
    "green": (52, 158, 70),
    "blue": (44, 92, 206),
    "yellow": (248, 204, 44),
}
"""Name -> RGB."""


def circle(u: Field, v: Field) -> Field:
    return np.hypot(u, v) - 0.92


def square(u: Field, v: Field) -> Field:
    return box(u, v, 0.76, 0.76, corner=0.06)


def triangle(u: Field, v: Field) -> Field:
    sides: Field = np.maximum(0.866 * np.abs(u) - 0.5 * (v - 0.1), v - 0.1) - 0.54
    return sides


OUTLINES = {"circle": circle, "square": square, "triangle": triangle}
"""How far outside its edge a point is, by shape."""
OTHERS = ("star", "ring", "cross", "crescent", "heart")
"""Shapes of no class."""
LABELS = tuple(f"{colour} {shape}" for colour in COLOURS for shape in OUTLINES)


def plain(name: str) -> Shape:
    """The shape in its first colour, with a rim of the second."""

    def drawn(u: Field, v: Field) -> tuple[Field, Field]:
        distance = OUTLINES[name](u, v) if name in OUTLINES else TEXTURED[name](u, v)[0]
        return distance, step(0.07 - np.abs(distance + 0.14))

    return drawn


def render(
    seed: int,
    labels: Sequence[str],
    *,
    size: int = 96,
    sizes: tuple[float, float] = (0.13, 0.2),
    others: int = 0,
    blobs: int = 2,
) -> Scene:
    """One scene of these things and of `others` shapes of no class.

    `sizes`: the smallest and the largest radius, in units of the picture.
    """
    rng = np.random.default_rng(seed)
    canvas = Canvas(size, background(rng, size))
    for draw, least, most in (
        (draw_blob, blobs, blobs + 1),
        (draw_line, 2, 5),
        (draw_confetti, 4, 12),
    ):
        for _ in range(rng.integers(least, most)):
            draw(canvas, rng)
    names = [*labels, *(f"{_one(rng, COLOURS)} {_one(rng, OTHERS)}" for _ in range(others))]
    places = scatter(rng, len(names), sizes)
    things = [_thing(canvas, rng, *named) for named in zip(names, places, strict=True)]
    return Scene(developed(canvas, rng), tuple(things[: len(labels)]))


def scatter(
    rng: np.random.Generator, count: int, sizes: tuple[float, float], tries: int = 40
) -> list[tuple[float, float, float]]:
    """Centres and radii, one after another where there is room; from the start where there is none.

    In units of the picture.
    """
    placed: list[tuple[float, float, float]] = []
    for _ in range(tries * count):
        radius = rng.uniform(*sizes)
        x, y = rng.uniform(radius + 0.02, 0.98 - radius, 2)
        if all(np.hypot(x - a, y - b) > 1.12 * (radius + c) for a, b, c in placed):
            placed.append((x, y, radius))
        if len(placed) == count:
            return placed
    return scatter(rng, count, sizes)


def two_things(rng: np.random.Generator) -> tuple[str, str]:
    """Labels of two things that share neither colour nor shape."""
    colours, shapes = rng.permutation(list(COLOURS))[:2], rng.permutation(list(OUTLINES))[:2]
    return f"{colours[0]} {shapes[0]}", f"{colours[1]} {shapes[1]}"


def _one(rng: np.random.Generator, names: Sequence[str] | dict[str, tuple[int, int, int]]) -> str:
    return list(names)[rng.integers(len(names))]


def _thing(
    canvas: Canvas, rng: np.random.Generator, label: str, place: tuple[float, float, float]
) -> Thing:
    """A sticker; no two have quite the same colour."""
    colour, shape = label.split()
    turn = rng.uniform(-0.45, 0.45)
    own = np.clip(np.array(COLOURS[colour]) / 255 + rng.uniform(-0.04, 0.04, 3), 0, 1)
    return Thing(label, stick(canvas, plain(shape), place, turn, (own, 0.8 * own)))
