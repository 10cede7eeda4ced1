"""A small seeded RetinaFace, that ends as the PyTorch version of it does, and its decoding."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Any

import torch
from torch import nn

from tests.models.decoded import Found, turned
from tests.models.detectors import SIDE, block

STRIDES = (8, 16, 32)
SIDES = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
"""min_sizes of its data/config.py, by hand."""
POINTS = 5


class Head(nn.Module):
    """[N, h w 2, count] of a map, the two anchors of a cell beside one another."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count, self.conv = count, nn.Conv2d(8, 2 * count, 1)

    def forward(self, x: Any) -> Any:
        return self.conv(x).permute(0, 2, 3, 1).contiguous().view(x.shape[0], -1, self.count)


class RetinaFace(nn.Module):
    """loc [N, A, 4], conf [N, A, 2] after a softmax, landms [N, A, 10], as in its test phase."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.stem = nn.Sequential(block(3, 8, 2), block(8, 8, 2))
        self.down = nn.ModuleList(block(8, 8, 2) for _ in STRIDES)
        self.ends = nn.ModuleList(block(8, 8) for _ in STRIDES)
        heads = [nn.ModuleList(Head(n) for _ in STRIDES) for n in (4, 2, 2 * POINTS)]
        self.boxes, self.classes, self.points = heads
        for head in self.classes:
            head.conv.weight.data *= 9
        self.maps: list[Any] = []

    def forward(self, x: Any) -> Any:
        maps, x = [], self.stem(x)
        for down, end in zip(self.down, self.ends, strict=True):
            x = down(x)
            maps.append(end(x))
        self.maps = maps
        each = (self.boxes, self.classes, self.points)
        loc, conf, landms = (
            torch.cat([head(m) for head, m in zip(heads, maps, strict=True)], 1) for heads in each
        )
        return loc, conf.softmax(-1), landms


def prior(anchor: int) -> tuple[float, float, float]:
    """PriorBox of its layers/functions/prior_box.py: the centre and the side, in pixels."""
    found = [
        ((column + 0.5) * stride, (row + 0.5) * stride, float(side))
        for stride in STRIDES
        for row in range(SIDE // stride)
        for column in range(SIDE // stride)
        for side in SIDES[stride]
    ]
    return found[anchor]


def face(outputs: Sequence[Any]) -> Found:
    """`decode` of its utils/box_utils.py, of the likeliest face."""
    loc, conf = outputs[0][0], outputs[1][0]
    a = max(range(len(conf)), key=lambda i: float(conf[i, 1]))
    cx, cy, side = prior(a)
    x, y, w, h = (float(v) for v in loc[a])
    centre = cx + x * 0.1 * side, cy + y * 0.1 * side
    return 1, a, turned(*centre, side * exp(w * 0.2), side * exp(h * 0.2), 0.0)


def landmark(outputs: Sequence[Any], anchor: int, point: int, side: int) -> Any:
    """`decode_landm` of the same file, in pixels."""
    *centre, extent = prior(anchor)
    return centre[side] + outputs[2][0, anchor, 2 * point + side] * 0.1 * extent
