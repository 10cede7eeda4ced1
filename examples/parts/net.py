"""The detector with two more heads a scale: keypoints of a box, and coefficients of its mask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from examples.detector.net import FINE, Detector
from examples.parts.scenes import ENDS
from examples.training import unit

MAPS, INNER, WIDE = 8, 16, 48
"""Prototypes; channels of a further head, and of the trunk at stride 16: the files are small."""


def branch(channels: int, outputs: int) -> nn.Sequential:
    """A head that sees two cells round its own, as far as the ends of a thing are."""
    return nn.Sequential(unit(channels, INNER), unit(INNER, INNER), nn.Conv2d(INNER, outputs, 1))


class Parts(nn.Module):
    """[N, 3, 128, 128] -> what is told of the things, before any of it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.detector = Detector(WIDE)
        self.points = nn.ModuleList([branch(n, 2 * len(ENDS)) for n in (FINE, WIDE)])
        self.seen = nn.ModuleList([branch(n, len(ENDS)) for n in (FINE, WIDE)])
        self.coefficients = nn.ModuleList([branch(n, MAPS) for n in (FINE, WIDE)])
        self.prototypes = nn.Sequential(
            nn.ConvTranspose2d(FINE, FINE, 2, 2), unit(FINE, INNER), nn.Conv2d(INNER, MAPS, 1)
        )

    def ends_of(self, ends: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Keypoints x, y in pixels [N, 2, 2, A] and the logit of each being seen [N, 2, 1, A]."""
        off = flat(self.points, ends).unflatten(1, (len(ENDS), 2))
        net = self.detector
        return net.centres[:, None] + 2 * net.strides * off, flat(self.seen, ends)[:, :, None]

    def masks_of(self, ends: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Coefficients [N, M, A] and prototypes [N, M, 32, 32]: their products are logits."""
        return flat(self.coefficients, ends), self.prototypes(ends[0])


def flat(heads: nn.ModuleList, ends: Sequence[torch.Tensor]) -> torch.Tensor:
    """What a head a scale says, anchor after anchor [N, outputs, A]."""
    return torch.cat([head(end).flatten(2) for head, end in zip(heads, ends, strict=True)], dim=2)


class Pose(nn.Module):
    """[N, 3, 128, 128] -> [N, 4 + K + 3 P, A], as YOLOv8-pose: x, y and a probability a point."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        net = self.parts.detector
        ends = net.ends(image)
        places, seen = self.parts.ends_of(ends)
        points = torch.cat([places, seen.sigmoid()], dim=2).flatten(1, 2)
        return torch.cat([net.written(*net.told(ends)), points], dim=1)


class Masks(nn.Module):
    """[N, 3, 128, 128] -> [N, 4 + K + M, A] and prototypes [N, M, 32, 32], as YOLOv8-seg."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        net = self.parts.detector
        ends = net.ends(image)
        coefficients, prototypes = self.parts.masks_of(ends)
        return torch.cat([net.written(*net.told(ends)), coefficients], dim=1), prototypes
