"""Nine textured shapes, each a function of the plane: how far outside, and which tone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]
Shape = Callable[[Field, Field], tuple[Field, Field]]
"""(u, v) [H, W], the shape within the unit disc -> distance to its edge (negative inside) and
tone: 0 takes the first colour, 1 the second, up to 2 goes on to white."""

SOFT = 24.0
"""Steepness of a texture's edges."""


def striped_disc(u: Field, v: Field) -> tuple[Field, Field]:
    return np.hypot(u, v) - 0.95, step(wave(u, 0.44) - 0.5)


def checkered_square(u: Field, v: Field) -> tuple[Field, Field]:
    parity = (wave(u, 0.8) - 0.5) * (wave(v, 0.8) - 0.5)
    return box(u, v, 0.72, 0.72, corner=0.08), step(4 * parity)


def dotted_triangle(u: Field, v: Field) -> tuple[Field, Field]:
    side = np.maximum(0.866 * np.abs(u) - 0.5 * (v - 0.1), v - 0.1)
    x, y = wrap(u, 0.44), wrap(v - 0.3, 0.44)
    return side - 0.54, step(1.6 * (0.13 - np.hypot(x, y)))


def zigzag_hexagon(u: Field, v: Field) -> tuple[Field, Field]:
    edge = np.maximum(0.866 * np.abs(u) + 0.5 * np.abs(v), np.abs(v)) - 0.82
    return edge, step(wave(v + 0.55 * (wave(u, 0.55) - 0.5), 0.5) - 0.5)


def ring(u: Field, v: Field) -> tuple[Field, Field]:
    radius = np.hypot(u, v)
    return np.abs(radius - 0.68) - 0.27, 0.9 * np.exp(-(((radius - 0.76) / 0.1) ** 2))


def star(u: Field, v: Field) -> tuple[Field, Field]:
    """Each arm has a light and a dark facet; its edge runs from the notch to the tip (1, 0)."""
    angle, radius = np.arctan2(u, -v), np.hypot(u, v)
    turn = wrap(angle, 0.4 * np.pi)
    x, y = radius * np.cos(turn) - 1, radius * np.abs(np.sin(turn))
    edge = 0.44 * np.exp(0.2j * np.pi) - 1
    along = np.clip((x * edge.real + y * edge.imag) / abs(edge) ** 2, 0, 1)
    distance = np.hypot(x - along * edge.real, y - along * edge.imag)
    return np.where(x * edge.imag > y * edge.real, distance, -distance), 0.85 * step(turn)


def cross(u: Field, v: Field) -> tuple[Field, Field]:
    arms = np.minimum(box(u, v, 0.92, 0.3, corner=0.06), box(u, v, 0.3, 0.92, corner=0.06))
    return arms, step(0.07 - np.abs(arms + 0.15))


def crescent(u: Field, v: Field) -> tuple[Field, Field]:
    away = np.hypot(u - 0.35, v)
    return np.maximum(np.hypot(u + 0.15, v) - 0.92, 0.78 - away), np.clip(2.6 - 2 * away, 0, 1)


def heart(u: Field, v: Field) -> tuple[Field, Field]:
    """A square on its corner and a disc on each of its upper sides."""
    half = 0.8
    square = (np.abs(u) + np.abs(v - 0.08) - half) / np.sqrt(2)
    disc = np.hypot(np.abs(u) - half / 2, v - 0.08 + half / 2) - half / np.sqrt(2)
    shine = np.hypot((u + 0.5) * 0.8 - 0.3 * v, v + 0.42 + 0.4 * u) - 0.13
    return np.minimum(square, disc), 1.7 * step(-shine)


SHAPES: dict[str, Shape] = {
    "striped disc": striped_disc,
    "checkered square": checkered_square,
    "dotted triangle": dotted_triangle,
    "zigzag hexagon": zigzag_hexagon,
    "ring": ring,
    "star": star,
    "cross": cross,
    "crescent": crescent,
    "heart": heart,
}
"""The classes, in the model's order."""


def step(x: Field) -> Field:
    """0 below zero, 1 above, with a soft edge."""
    soft: Field = np.clip(0.5 + SOFT / 2 * x, 0, 1)
    return soft


def wrap(x: Field, period: float) -> Field:
    """x in [-period / 2, period / 2)."""
    rest: Field = x - period * np.floor(x / period + 0.5)
    return rest


def wave(x: Field, period: float) -> Field:
    """A triangle wave in [0, 1], 1 at 0."""
    return 1 - 2 * np.abs(wrap(x, period)) / period


def box(u: Field, v: Field, width: float, height: float, *, corner: float) -> Field:
    """Distance to a rounded rectangle, half its width and height given."""
    x, y = np.abs(u) - width + corner, np.abs(v) - height + corner
    outside = np.hypot(np.maximum(x, 0), np.maximum(y, 0))
    distance: Field = outside + np.minimum(np.maximum(x, y), 0) - corner
    return distance
