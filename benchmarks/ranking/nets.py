"""Small networks that differ in their head or in how they look: picture -> logits of classes.

All take [N, 3, 48, 48], pixels / 255. Each is one idea of a family, and learns in a minute or less.
"""

from __future__ import annotations

import torch
from torch import nn

from examples.training import unit

SIDE, WIDE = 48, 48
"""Pixels a side; channels of the last features."""
GRID, TOKENS = 12, 8
"""Places a side, of convolutions and of transformers."""


def trunk() -> nn.Sequential:
    """Convolutions, SIDE x SIDE pixels -> GRID x GRID places."""
    return nn.Sequential(
        unit(3, 24, kernel=4, stride=2, padding=1),
        unit(24, WIDE, stride=2),
        unit(WIDE, WIDE),
        unit(WIDE, WIDE),
    )


class Pooled(nn.Module):
    """Mean or maximum over space, then a linear layer, or two with a ReLU between them."""

    def __init__(self, classes: int, *, largest: bool = False, hidden: int = 0) -> None:
        super().__init__()
        self.features, self.largest = trunk(), largest
        self.head = nn.Linear(WIDE, classes)
        if hidden:
            more = nn.Linear(hidden, classes)
            self.head = nn.Sequential(nn.Linear(WIDE, hidden), nn.ReLU(), more)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.features(image)
        logits: torch.Tensor = self.head(x.amax(dim=(2, 3)) if self.largest else x.mean(dim=(2, 3)))
        return logits


class Flattened(nn.Module):
    """A maximum over 2 x 2, all places as one vector, and two linear layers, as VGG has them."""

    def __init__(self, classes: int, hidden: int = 64) -> None:
        super().__init__()
        self.features = trunk()
        self.head = nn.Sequential(
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(WIDE * (GRID // 2) ** 2, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.features(image))
        return logits


class Mixer(nn.Module):
    """Depthwise 7 x 7, norm, two 1 x 1 with GELU, added: the block of ConvNeXt."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.along = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.across = nn.Sequential(
            nn.Linear(channels, 3 * channels), nn.GELU(), nn.Linear(3 * channels, channels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inside = self.across(self.norm(self.along(x).permute(0, 2, 3, 1)))
        added: torch.Tensor = x + inside.permute(0, 3, 1, 2)
        return added


class Mixed(nn.Module):
    """Patches of 4 x 4 pixels, mixers, mean, norm, linear."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, WIDE, 4, 4), Mixer(WIDE), Mixer(WIDE), Mixer(WIDE)
        )
        self.norm, self.head = nn.LayerNorm(WIDE), nn.Linear(WIDE, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.norm(self.features(image).mean(dim=(2, 3))))
        return logits


class Block(nn.Module):
    """Attention, then two linear layers, each behind a norm and added [N, T, WIDE]."""

    def __init__(self, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(WIDE), nn.LayerNorm(WIDE)
        self.asked, self.out = nn.Linear(WIDE, 3 * WIDE), nn.Linear(WIDE, WIDE)
        self.across = nn.Sequential(nn.Linear(WIDE, 2 * WIDE), nn.GELU(), nn.Linear(2 * WIDE, WIDE))

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """softmax(q k^T / sqrt(d)) v, head by head."""
        rows, count, _ = x.shape
        each = self.asked(x).reshape(rows, count, 3, self.heads, WIDE // self.heads)
        q, k, v = each.permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / (WIDE // self.heads) ** 0.5).softmax(dim=-1)
        found: torch.Tensor = self.out((weights @ v).transpose(1, 2).reshape(rows, count, WIDE))
        return found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attend(self.first(x))
        added: torch.Tensor = x + self.across(self.second(x))
        return added


class Windowed(Block):
    """Attention within windows of 4 x 4 places, moved by half in each second block, as in Swin."""

    def __init__(self, shift: int, side: int = 4) -> None:
        super().__init__()
        self.shift, self.side = shift, side

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """Window by window."""
        rows, s, count = x.shape[0], self.side, TOKENS // self.side
        x = x.reshape(rows, TOKENS, TOKENS, WIDE).roll((-self.shift, -self.shift), (1, 2))
        x = x.reshape(rows, count, s, count, s, WIDE).transpose(2, 3)
        x = super().attend(x.reshape(rows * count * count, s * s, WIDE))
        x = x.reshape(rows, count, count, s, s, WIDE).transpose(2, 3)
        x = x.reshape(rows, TOKENS, TOKENS, WIDE).roll((self.shift, self.shift), (1, 2))
        return x.reshape(rows, TOKENS**2, WIDE)


class Transformer(nn.Module):
    """Patches of 6 x 6 pixels as tokens; the head reads a class token, or the mean of all."""

    def __init__(self, classes: int, *, token: bool = False, windows: bool = False) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDE, SIDE // TOKENS, SIDE // TOKENS)
        self.places = nn.Parameter(0.02 * torch.randn(1, TOKENS**2, WIDE))
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, WIDE)) if token else None
        made = [Windowed(2 * (i % 2)) if windows else Block() for i in range(3)]
        self.blocks = nn.Sequential(*made)
        self.norm, self.head = nn.LayerNorm(WIDE), nn.Linear(WIDE, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2) + self.places
        if self.token is not None:
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1)
        x = self.norm(self.blocks(x))
        logits: torch.Tensor = self.head(x.mean(dim=1) if self.token is None else x[:, 0])
        return logits
