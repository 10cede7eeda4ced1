"""Models that want their photos in one way, and photos that tell the ways apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cam_core.backend import InputInfo
from cam_core.doctor import Candidate
from cam_core.image import Preprocess

SIZE = 24
INFO = InputInfo("x", (1, 3, SIZE, SIZE), np.dtype(np.float32), channel_axis=1)
CLASSES = 5


def scenes(rng: np.random.Generator, count: int = 6) -> list[Any]:
    """Photos [H, W, 3], each of a colour and with a bright bar at its own place."""
    found = []
    for i in range(count):
        base = rng.integers(20, 200, 3)
        photo = np.clip(base + rng.normal(size=(40, 64, 3)) * 12, 0, 255)
        photo[:, 5 + 9 * (i % 6) : 12 + 9 * (i % 6)] = rng.integers(0, 255, 3)
        found.append(photo.astype(np.uint8))
    return found


@dataclass(frozen=True)
class Look:
    score: Any
    outputs: Any = None


@dataclass(frozen=True)
class Model:
    """A seeded network of two layers behind a way of its own to read its input.

    It undoes nothing: what it is fed in another way than `own` gives other answers.
    """

    seed: int
    undo: Callable[[Any], Any] = lambda x: x
    """What it does to its input before all else."""
    class_axis: int = 1

    def look(self, x: Any, layers: Any = ()) -> Look:
        rng = np.random.default_rng(self.seed)
        w = rng.normal(size=(3 * SIZE * SIZE // 4, 32)) / SIZE
        v = rng.normal(size=(32, CLASSES))
        z = self.undo(np.asarray(x, np.float64))
        small = z.reshape(1, 3, SIZE // 2, 2, SIZE // 2, 2).mean((3, 5)).reshape(1, -1)
        return Look(np.tanh(small @ w) @ v)


def feeding(**spec: Any) -> Candidate:
    """A way to feed it."""
    return Candidate("used", Preprocess(**({"fit": "stretch"} | spec)), INFO)
