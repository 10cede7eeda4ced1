"""Renders scenes of coloured shapes with what is at each place: the shape, and how deep inside."""

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

SIZE = 96
CLASSES = ("background", *OUTLINES)


@dataclass(frozen=True, eq=False)
class Known:
    """A scene, and what is known of its places."""

    scene: Scene
    classes: NDArray[np.int64]
    """[SIZE, SIZE], numbers of CLASSES."""
    depth: NDArray[np.float32]
    """[SIZE, SIZE], how far inside a thing a place is, in pixels; 0 outside."""


def known(seed: int, *, things: tuple[int, int] = (1, 3)) -> Known:
    """One scene of so many things, from the least to the most."""
    rng = np.random.default_rng(seed)
    canvas = Canvas(SIZE, background(rng, SIZE))
    for draw in (draw_blob, draw_blob, draw_line, draw_line, draw_confetti, draw_confetti):
        draw(canvas, rng)
    classes = np.zeros((SIZE, SIZE), np.int64)
    depth = np.zeros((SIZE, SIZE), np.float32)
    placed = []
    for place in scatter(rng, int(rng.integers(things[0], things[1] + 1)), (0.12, 0.19)):
        colour, shape = (list(names)[rng.integers(len(names))] for names in (COLOURS, OUTLINES))
        turn = rng.uniform(-0.45, 0.45)
        own = np.clip(np.array(COLOURS[colour]) / 255 + rng.uniform(-0.04, 0.04, 3), 0, 1)
        box = stick(canvas, plain(shape), place, turn, (own, 0.8 * own))
        inside = -SIZE * place[2] * distances(canvas, shape, place, turn)
        classes[inside > 0] = CLASSES.index(shape)
        depth = np.maximum(depth, inside.astype(np.float32))
        placed.append(Thing(f"{colour} {shape}", box))
    return Known(Scene(developed(canvas, rng), tuple(placed)), classes, depth)


def distances(
    canvas: Canvas, shape: str, place: tuple[float, float, float], turn: float
) -> NDArray[np.float64]:
    """How far outside the shape each pixel is, in its radii [size, size]; `stick` turns it so."""
    x, y, radius = place
    dx, dy = canvas.axis[None, :] - x, canvas.axis[:, None] - y
    u = (np.cos(turn) * dx + np.sin(turn) * dy) / radius
    v = (np.cos(turn) * dy - np.sin(turn) * dx) / radius
    return plain(shape)(u, v)[0]
