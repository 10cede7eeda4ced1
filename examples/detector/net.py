"""A small anchor-free detector: two scales, a neck there and back, and two heads a scale."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from examples.detector.boxes import CLASSES, anchors
from examples.training import unit

FINE, COARSE = 32, 64
"""Channels at strides 8 and 16."""


class Neck(nn.Module):
    """Fine and coarse features, mixed downwards and back up (Liu et al. 2018, PANet)."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.lateral = unit(wide, FINE, kernel=1)
        self.fine = unit(2 * FINE, FINE)
        self.down = unit(FINE, FINE, stride=2)
        self.coarse = unit(FINE + wide, wide)

    def forward(
        self, fine: torch.Tensor, coarse: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        above = nn.functional.interpolate(self.lateral(coarse), scale_factor=2.0)
        mixed = self.fine(torch.cat([above, fine], dim=1))
        return mixed, self.coarse(torch.cat([self.down(mixed), coarse], dim=1))


class Head(nn.Module):
    """Class logits [N, K, h w] and distances to the four sides [N, 4, h w], in strides."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.classes = nn.Sequential(unit(channels, FINE), nn.Conv2d(FINE, len(CLASSES), 1))
        self.sides = nn.Sequential(unit(channels, FINE), nn.Conv2d(FINE, 4, 1), nn.Softplus())
        nn.init.constant_(self.classes[1].bias, -4.0)  # most places are of no class

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.classes(x).flatten(2), self.sides(x).flatten(2)


class Detector(nn.Module):
    """[N, 3, 128, 128] -> [N, 4 + K, A]: cx, cy, w, h in pixels, and a score of each class."""

    centres: torch.Tensor
    strides: torch.Tensor

    def __init__(self, wide: int = COARSE) -> None:
        """`wide`: channels at stride 16."""
        super().__init__()
        self.stem = unit(3, 32, kernel=8, stride=4, padding=2)
        self.fine = nn.Sequential(unit(32, FINE, stride=2), unit(FINE, FINE))
        self.coarse = nn.Sequential(unit(FINE, wide, stride=2), unit(wide, wide))
        self.neck = Neck(wide)
        self.heads = nn.ModuleList([Head(FINE), Head(wide)])
        centres, strides = anchors()
        self.register_buffer("centres", torch.from_numpy(centres)[None])  # [1, 2, A]
        self.register_buffer("strides", torch.from_numpy(strides))

    def ends(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The ends of the neck: features at strides 8 and 16."""
        fine = self.fine(self.stem(image))
        mixed: tuple[torch.Tensor, torch.Tensor] = self.neck(fine, self.coarse(fine))
        return mixed

    def told(self, ends: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Class logits [N, K, A], and distances to left, top, right, bottom in pixels [N, 4, A]."""
        parts = [head(end) for head, end in zip(self.heads, ends, strict=True)]
        logits, sides = (torch.cat(part, dim=2) for part in zip(*parts, strict=True))
        return logits, sides * self.strides

    def written(self, logits: torch.Tensor, sides: torch.Tensor) -> torch.Tensor:
        """Of the same, what the file gives."""
        before, after = sides.chunk(2, dim=1)
        boxes = torch.cat([self.centres + (after - before) / 2, before + after], dim=1)
        return torch.cat([boxes, logits.sigmoid()], dim=1)

    def raw(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and distances, before they are written."""
        return self.told(self.ends(image))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.written(*self.raw(image))
