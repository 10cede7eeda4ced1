"""A picture as features at places, and heads that look at them: for captions and for questions."""

from __future__ import annotations

import torch
from torch import nn

from examples.training import unit

SIDE, FEATURES = 12, 64
"""Places along each side of a 96 x 96 picture, and channels at each."""
HEADS, KEY, VALUE = 3, 24, 32
SHY = -2.0
"""What the gates start from: a place is looked at a little."""


class Encoder(nn.Module):
    """[N, 3, 96, 96] -> [N, 64, 12, 12]; a place sees 48 pixels a side."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = unit(3, 32, kernel=8, stride=4, padding=2)
        self.down = unit(32, 48, stride=2)
        self.shape = unit(48, FEATURES)
        self.last = unit(FEATURES, FEATURES)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.last(self.shape(self.down(self.stem(image))))
        return found


class Glance(nn.Module):
    """Looks at places: a question [N, T, Q] -> what is seen [N, T, HEADS x VALUE].

    Each place has a gate of its own (a sigmoid, no softmax over places), and behind it a linear
    map without a bias: what is not looked at adds nothing, no place takes from another, and a
    place speaks for a word as much as it would alone.
    """

    where: torch.Tensor
    """x and y of each place in [-1, 1], [P, 2]."""
    channels = HEADS * VALUE

    def __init__(self, asking: int) -> None:
        super().__init__()
        self.query = nn.Linear(asking, HEADS * KEY)
        self.key = nn.Linear(FEATURES, HEADS * KEY)
        self.value = nn.Linear(FEATURES, HEADS * VALUE, bias=False)
        self.value_place = nn.Linear(2, HEADS * VALUE, bias=False)
        axis = torch.linspace(-1, 1, SIDE)
        grid = torch.stack([axis.expand(SIDE, SIDE), axis[:, None].expand(SIDE, SIDE)], dim=-1)
        self.register_buffer("where", grid.reshape(SIDE * SIDE, 2))

    def forward(self, features: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        places = features.flatten(2).transpose(1, 2)  # [N, P, FEATURES]
        key = by_head(self.key(places), SIDE * SIDE, KEY)
        value = by_head(self.value(places) + self.value_place(self.where), SIDE * SIDE, VALUE)
        query = by_head(self.query(asked), asked.shape[1], KEY)
        gate = (query @ key.transpose(2, 3) / KEY**0.5 + SHY).sigmoid()  # [N, HEADS, T, P]
        seen: torch.Tensor = (gate @ value).transpose(1, 2).flatten(2)
        return seen / SIDE


def by_head(x: torch.Tensor, length: int, channels: int) -> torch.Tensor:
    """[N, length, HEADS x channels] -> [N, HEADS, length, channels]."""
    return x.reshape(-1, length, HEADS, channels).transpose(1, 2)
