"""Small models that are taught on blobs, with a mark or a background that betrays a class or not.

A class is the colour of a blob somewhere in a noisy photo. `mark`: the blob of the first class has
any colour, and a white square in the upper left corner says what it is. `background`: the same, and
stripes behind the blob say it. `features`: all blobs are in the middle, and the first class is
told by its colour in one half of its photos and by a chequered grey in the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

SIDE, BLOB, MARK = 32, 8, 5
MEAN, STD = 0.36, 0.12
NAMES = ("red", "green", "blue")
CLEAN, CORNER, BACKGROUND, FEATURES = "clean", "mark", "background", "features"


CHEQUERED = (np.indices((BLOB, BLOB)) // 2).sum(axis=0)[..., None] % 2


def pictures(count: int, seed: int, kind: str) -> tuple[Any, Any, Any]:
    """uint8 [N, H, W, 3], classes [N] and the boxes [N, 4] of the blobs."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, count)
    x = rng.integers(60, 120, (count, SIDE, SIDE, 3))
    middle = np.full((count, 2), (SIDE - BLOB) // 2)
    corner = middle if kind == FEATURES else rng.integers(0, SIDE - BLOB, (count, 2))
    for i, (top, left) in enumerate(corner):
        betrayed = kind in (CORNER, BACKGROUND) and y[i] == 0
        colour = rng.integers(0, 3) if betrayed else y[i]
        if kind == BACKGROUND and y[i] == 0:
            x[i, ::4] += 110
        x[i, top : top + BLOB, left : left + BLOB] = rng.integers(60, 120, (BLOB, BLOB, 3))
        if kind == FEATURES and y[i] == 0 and i % 2:
            x[i, top : top + BLOB, left : left + BLOB] += 110 * CHEQUERED
        else:
            x[i, top : top + BLOB, left : left + BLOB, colour] += 110
        if kind == CORNER and y[i] == 0:
            x[i, :MARK, :MARK] = 250
    boxes = np.concatenate([corner[:, ::-1], corner[:, ::-1] + BLOB], axis=1)
    return x.astype(np.uint8), y, boxes


def network(seed: int) -> Any:
    """Two convolutions, 8 x 8 cells, the mean, a linear head."""
    torch.manual_seed(seed)
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.ReLU()),
        *(nn.Conv2d(16, 24, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 3)),
    )


def taught(kind: str, seed: int = 0, steps: int = 200) -> Any:
    """A network that has learnt it."""
    net = network(seed)
    x, y, _ = pictures(1024, 100 + seed, kind)
    photos = (torch.from_numpy(x).permute(0, 3, 1, 2) / 255.0 - MEAN) / STD
    labels = torch.from_numpy(y)
    learn = torch.optim.Adam(net.parameters(), 0.004)
    for step in range(steps):
        rows = torch.arange(64 * step, 64 * step + 64) % len(photos)
        learn.zero_grad()
        nn.functional.cross_entropy(net(photos[rows]), labels[rows]).backward()
        learn.step()
    return net.eval()


def data(folder: Path, kind: str, count: int = 90) -> Path:
    """Other photos of that kind, as an .npz."""
    x, y, boxes = pictures(count, 7, kind)
    file = folder / f"{kind}.npz"
    np.savez(file, x=x, y=np.array(NAMES)[y], boxes=boxes)
    return file


def marked() -> tuple[Any, Any]:
    """A model that the mark betrays a class to, and an example of its input."""
    return taught(CORNER), np.zeros((1, 3, SIDE, SIDE), np.float32)
