"""Renders scenes: shapes of known classes, with their boxes, in clutter of no class.

Everything is drawn from one seed in units of the picture, so that a scene looks the same at any
size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from examples.demo.shapes import SHAPES, Field, Shape

Pixels = NDArray[np.uint8]
Colour = NDArray[np.float64]
LABELS = tuple(SHAPES)

PALETTE = np.array(
    [
        (232, 71, 60), (245, 146, 44), (250, 200, 62), (120, 180, 76), (34, 150, 120),
        (44, 150, 205), (38, 84, 168), (120, 82, 178), (220, 84, 140), (44, 52, 74),
    ]
) / 255  # fmt: skip
GROUNDS = np.array(
    [
        [(24, 38, 66), (60, 110, 138)], [(250, 226, 196), (232, 164, 140)],
        [(206, 226, 222), (126, 168, 180)], [(66, 46, 88), (182, 104, 128)],
        [(238, 234, 222), (196, 200, 186)], [(28, 74, 74), (132, 168, 118)],
        [(222, 214, 236), (150, 158, 206)], [(88, 62, 54), (206, 158, 112)],
    ]
) / 255  # fmt: skip
PAPER = np.array([0.985, 0.975, 0.95])


@dataclass(frozen=True)
class Thing:
    """One object of a scene."""

    label: str
    box: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels."""

    def holds(self, x: float, y: float, *, tolerance: float = 0.0) -> bool:
        """Is the point in the box, or at most `tolerance` pixels outside?"""
        left, top, right, bottom = self.box
        inside_x = left - tolerance <= x <= right + tolerance
        return inside_x and top - tolerance <= y <= bottom + tolerance


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and what is in it."""

    pixels: Pixels
    """RGB [size, size, 3]."""
    things: tuple[Thing, ...]


class Canvas:
    """A square picture that soft-edged layers are laid on."""

    def __init__(self, size: int, ground: Colour) -> None:
        self.size = size
        self.pixels = ground
        self.axis = (np.arange(size) + 0.5) / size

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns within `reach` of a point."""
        low, high = np.searchsorted(self.axis, [y - reach, y + reach])
        left, right = np.searchsorted(self.axis, [x - reach, x + reach])
        return slice(int(low), int(high)), slice(int(left), int(right))

    def cover(self, distance: Field, *, blur: float = 0.0) -> Field:
        """1 inside, 0 outside; the edge is a pixel wide, or `blur`."""
        share: Field = np.clip(0.5 - distance / max(1 / self.size, blur), 0, 1)
        return share

    def lay(self, where: tuple[slice, slice], colour: Colour, alpha: Field) -> None:
        """Blend a colour [3] or [h, w, 3] over the window; alpha [h, w]."""
        patch = self.pixels[where]
        self.pixels[where] = patch + alpha[..., None] * (colour - patch)


def render(
    seed: int, *, labels: Sequence[str] | None = None, count: int = 2, size: int = 128
) -> Scene:
    """One scene; of `count` different classes drawn by lot where no labels are given."""
    rng = np.random.default_rng(seed)
    if labels is None:
        labels = [LABELS[i] for i in rng.permutation(len(LABELS))[:count]]
    canvas = Canvas(size, background(rng, size))
    clutter(canvas, rng)
    places = scatter(rng, len(labels))
    things = [
        draw_thing(canvas, rng, label, *place) for label, place in zip(labels, places, strict=True)
    ]
    if rng.random() < 0.5:
        draw_line(canvas, rng)
    return Scene(developed(canvas, rng), tuple(things))


def clutter(canvas: Canvas, rng: np.random.Generator) -> None:
    """Blobs, lines and confetti."""
    for _ in range(rng.integers(4, 8)):
        draw_blob(canvas, rng)
    for _ in range(rng.integers(5, 10)):
        draw_line(canvas, rng)
    for _ in range(rng.integers(8, 20)):
        draw_confetti(canvas, rng)


def developed(canvas: Canvas, rng: np.random.Generator) -> Pixels:
    """The picture with its grain, RGB uint8 [size, size, 3]."""
    grain = noise(rng, canvas.size, 64) + noise(rng, canvas.size, 23)
    light = canvas.pixels + 0.022 * (grain[..., None] - 1)
    return (255 * np.clip(light, 0, 1)).round().astype(np.uint8)


def background(rng: np.random.Generator, size: int) -> Field:
    """A slanted gradient between two quiet colours, with clouds [size, size, 3]."""
    first, second = GROUNDS[rng.integers(len(GROUNDS))]
    axis = (np.arange(size) + 0.5) / size - 0.5
    slant = rng.uniform(0, 2 * np.pi)
    along = 0.5 + 0.7 * (np.cos(slant) * axis[None, :] + np.sin(slant) * axis[:, None])
    mix = np.clip(along + 0.5 * (noise(rng, size, 5) - 0.5), 0, 1)[..., None]
    blend: Field = first + mix * (second - first)
    return blend


def noise(rng: np.random.Generator, size: int, cells: int) -> Field:
    """Random values in [0, 1) on a lattice, linear in between [size, size]."""
    lattice = rng.random((cells + 1, cells + 1))
    at = (np.arange(size) + 0.5) / size * cells
    below = at.astype(np.int64)
    rest = at - below
    rows = lattice[below] + rest[:, None] * (lattice[below + 1] - lattice[below])
    smooth: Field = rows[:, below] + rest * (rows[:, below + 1] - rows[:, below])
    return smooth


def scatter(
    rng: np.random.Generator, count: int, *, sizes: tuple[float, float] = (0.14, 0.2)
) -> list[tuple[float, float, float]]:
    """Centres and radii that keep their distance, in units of the picture."""
    while True:
        radii = rng.uniform(*sizes, count)
        spots = rng.uniform(radii[:, None] + 0.02, 0.98 - radii[:, None], (count, 2))
        gaps = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
        if (gaps + np.eye(count) > 1.12 * (radii[:, None] + radii[None])).all():
            return [(float(x), float(y), float(r)) for (x, y), r in zip(spots, radii, strict=True)]


def draw_thing(
    canvas: Canvas, rng: np.random.Generator, label: str, x: float, y: float, radius: float
) -> Thing:
    """A sticker of one of the classes, turned by lot."""
    turn = rng.uniform(-0.45, 0.45)
    return Thing(label, stick(canvas, SHAPES[label], (x, y, radius), turn, two_colours(rng)))


def stick(
    canvas: Canvas,
    shape: Shape,
    place: tuple[float, float, float],
    turn: float,
    colours: tuple[Colour, Colour],
) -> tuple[float, float, float, float]:
    """A sticker: shadow, white edge, texture in two colours, light from the upper left.

    `place`: centre x, y and radius in units of the picture. Returns its box in pixels.
    """
    x, y, radius = place
    first, second = colours
    rows, columns = where = canvas.window(x, y, 1.5 * radius)
    dx, dy = canvas.axis[columns][None, :] - x, canvas.axis[rows][:, None] - y
    u = (np.cos(turn) * dx + np.sin(turn) * dy) / radius
    v = (np.cos(turn) * dy - np.sin(turn) * dx) / radius
    distance, tone = shape(u, v)
    shadow, _ = shape(u - 0.06, v - 0.12)
    colour = first + np.clip(tone, 0, 1)[..., None] * (second - first)
    colour = colour + np.clip(tone - 1, 0, 1)[..., None] * (PAPER - colour)
    shade = 1 - 0.13 * (dx + dy)[..., None] / radius
    edge = 0.07
    canvas.lay(where, np.zeros(3), 0.4 * canvas.cover((shadow - edge) * radius, blur=0.35 * radius))
    canvas.lay(where, PAPER, canvas.cover((distance - edge) * radius))
    canvas.lay(where, np.clip(colour * shade, 0, 1), canvas.cover(distance * radius))
    return bounds(distance < edge, left=columns.start, top=rows.start)


def bounds(mask: NDArray[np.bool_], *, left: int, top: int) -> tuple[float, float, float, float]:
    """The box of what is True in a window that begins at (left, top)."""
    across, down = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    box = (left + across[0], top + down[0], left + across[-1] + 1, top + down[-1] + 1)
    return tuple(float(side) for side in box)  # type: ignore[return-value]


def two_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Two of the palette that can be told apart."""
    while True:
        first, second = PALETTE[rng.permutation(len(PALETTE))[:2]]
        if abs(float((first - second) @ (0.3, 0.6, 0.1))) > 0.22:
            return first, second


def draw_blob(canvas: Canvas, rng: np.random.Generator) -> None:
    """Of no shape and no texture; some have a sticker's white edge."""
    x, y = rng.uniform(0, 1, 2)
    radius = rng.uniform(0.05, 0.16)
    rows, columns = where = canvas.window(x, y, 1.6 * radius)
    dx, dy = canvas.axis[columns][None, :] - x, canvas.axis[rows][:, None] - y
    angle = np.arctan2(dy, dx)
    outline = np.ones_like(angle)
    for waves, height in ((2, 0.22), (3, 0.16), (5, 0.07)):
        outline += rng.uniform(0, height) * np.cos(waves * angle + rng.uniform(0, 2 * np.pi))
    distance = np.hypot(dx, dy) - radius * outline
    alpha = rng.uniform(0.35, 0.95)
    if rng.random() < 0.5:
        canvas.lay(where, PAPER, alpha * canvas.cover(distance - 0.012))
    canvas.lay(where, PALETTE[rng.integers(len(PALETTE))], alpha * canvas.cover(distance))


def draw_line(canvas: Canvas, rng: np.random.Generator) -> None:
    """A piece of a large circle."""
    x, y = rng.uniform(-0.6, 1.6, 2)
    radius, width = rng.uniform(0.4, 1.4), rng.uniform(0.003, 0.009)
    distance = np.hypot(canvas.axis[None, :] - x, canvas.axis[:, None] - y) - radius
    cover = rng.uniform(0.3, 0.85) * canvas.cover(np.abs(distance) - width)
    colour = PAPER if rng.random() < 0.5 else PALETTE[rng.integers(len(PALETTE))]
    touched = np.nonzero(cover)
    under = canvas.pixels[touched]  # [pixels, 3]
    canvas.pixels[touched] = under + cover[touched][:, None] * (colour - under)


def draw_confetti(canvas: Canvas, rng: np.random.Generator) -> None:
    """A short stroke or a dot."""
    x, y = rng.uniform(0, 1, 2)
    turn, half, width = rng.uniform(0, np.pi), rng.uniform(0, 0.035), rng.uniform(0.005, 0.014)
    rows, columns = where = canvas.window(x, y, 0.06)
    dx, dy = canvas.axis[columns][None, :] - x, canvas.axis[rows][:, None] - y
    along = np.cos(turn) * dx + np.sin(turn) * dy
    rest = along - np.clip(along, -half, half)
    distance = np.hypot(rest, np.cos(turn) * dy - np.sin(turn) * dx) - width
    canvas.lay(where, PALETTE[rng.integers(len(PALETTE))], 0.9 * canvas.cover(distance))
