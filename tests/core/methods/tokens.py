"""A small vision transformer in torch: a class token, two blocks, 2 x 3 patches."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

WIDTH = 8


class Block(nn.Module):
    """Attention with one head, and a layer of its own for each token."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.mlp = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Any) -> Any:
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        x = x + torch.softmax(q @ k.transpose(1, 2) / WIDTH**0.5, -1) @ v
        return x + torch.tanh(self.mlp(self.norm2(x)))


class Tokens(nn.Module):
    """The class of the class token."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.blocks = nn.ModuleList([Block(), Block()])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 5)

    def forward(self, x: Any) -> Any:
        t = self.patches(x).flatten(2).transpose(1, 2)
        t = torch.cat([self.token.expand(len(t), -1, -1), t], 1)
        for block in self.blocks:
            t = block(t)
        return self.head(self.norm(t)[:, 0])


def tokens() -> Tokens:
    """Seeded, ready to run."""
    torch.manual_seed(0)
    return Tokens().eval()
