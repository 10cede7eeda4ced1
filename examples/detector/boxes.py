"""Boxes in NumPy: where the anchors are, what an output says, and what is left of overlaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from examples.coloured import COLOURS, OUTLINES, render
from examples.demo.scenes import Scene

CLASSES = tuple(OUTLINES)
SIZE, STRIDES = 128, (8, 16)
ANCHORS = sum((SIZE // stride) ** 2 for stride in STRIDES)
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class Found:
    """One box that is left."""

    label: str
    score: float
    box: Box
    anchor: int


def anchors() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centres x, y in pixels [2, A] and strides [A]: row after row, scale after scale."""
    centres, strides = [], []
    for stride in STRIDES:
        axis = (np.arange(SIZE // stride) + 0.5) * stride
        centres.append(np.stack(np.meshgrid(axis, axis)).reshape(2, -1))
        strides.append(np.full(axis.size**2, stride))
    return np.concatenate(centres, 1).astype(np.float32), np.concatenate(strides).astype(np.float32)


def overlap(first: Box, second: Box) -> float:
    """Intersection over union."""
    a, b = np.array(first), np.array(second)
    common = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return float(common / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - common))


def found(output: NDArray[np.float32], *, least: float = 0.5, most: float = 0.5) -> list[Found]:
    """The boxes of one picture, the best first; output [4 + K, A].

    `least`: the lowest score. `most`: the largest overlap of two boxes of one class.
    """
    scores = output[4:]
    kept: list[Found] = []
    for label, anchor in sorted(np.argwhere(scores >= least).tolist(), key=lambda p: -scores[*p]):
        x, y, w, h = output[:4, anchor].tolist()
        own = Found(
            CLASSES[label],
            float(scores[label, anchor]),
            (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
            anchor,
        )
        rivals = [other.box for other in kept if other.label == own.label]
        if all(overlap(own.box, box) <= most for box in rivals):
            kept.append(own)
    return kept


def matches(scene: Scene, boxes: Sequence[Found]) -> Mapping[int, Found]:
    """Number of a thing -> the best box of its class that overlaps it by half or more."""
    pairs = [
        (i, box)
        for i, thing in enumerate(scene.things)
        for box in reversed(boxes)
        if thing.label.split()[1] == box.label and overlap(thing.box, box.box) >= 0.5
    ]
    return dict(pairs)


def crowd(seed: int, *, size: int = SIZE) -> Scene:
    """Two things of one class, none to two of any, and one to three shapes of no class."""
    rng = np.random.default_rng(seed)
    shapes = [rng.integers(len(CLASSES))] * 2 + list(
        rng.integers(len(CLASSES), size=rng.integers(3))
    )
    labels = [f"{list(COLOURS)[rng.integers(len(COLOURS))]} {CLASSES[shape]}" for shape in shapes]
    others = int(rng.integers(1, 4))
    return render(seed, labels, size=size, sizes=(0.09, 0.19), others=others, blobs=3)
