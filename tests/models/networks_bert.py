"""A ViT and a BERT of two blocks, attention written as transformers writes it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

CLASSES = 6
WIDTH = 32


class SelfAttention(nn.Module):
    def __init__(self, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.value, self.dense = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def split(self, x: Any) -> Any:
        return x.view(x.size(0), x.size(1), self.heads, -1).permute(0, 2, 1, 3)

    def forward(self, x: Any, mask: Any = None) -> Any:
        q, k, v = (self.split(linear(x)) for linear in (self.query, self.key, self.value))
        scores = q @ k.transpose(-1, -2) / math.sqrt(WIDTH // self.heads)
        scores = scores if mask is None else scores + mask
        y = (scores.softmax(-1) @ v).permute(0, 2, 1, 3).contiguous()
        return self.dense(y.view(y.size(0), y.size(1), -1))


class Block(nn.Module):
    """The norms before the layers, as in ViT, or after them, as in BERT."""

    def __init__(self, *, before: bool) -> None:
        super().__init__()
        self.before = before
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = SelfAttention()
        self.wide, self.narrow = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def mlp(self, x: Any) -> Any:
        return self.narrow(F.gelu(self.wide(x)))

    def forward(self, x: Any, mask: Any = None) -> Any:
        if self.before:
            x = self.attention(self.norm1(x), mask) + x
            return self.mlp(self.norm2(x)) + x
        x = self.norm1(self.attention(x, mask) + x)
        return self.norm2(self.mlp(x) + x)


class ViT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, WIDTH, 8, 8)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.zeros(1, 17, WIDTH))
        self.blocks = nn.Sequential(Block(before=True), Block(before=True))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Any) -> Any:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


class Bert(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.types = nn.Embedding(50, WIDTH), nn.Embedding(2, WIDTH)
        self.places, self.norm = nn.Embedding(9, WIDTH), nn.LayerNorm(WIDTH)
        self.block1, self.block2 = Block(before=False), Block(before=False)
        self.pool, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, CLASSES)
        self.register_buffer("at", torch.arange(9)[None])

    def forward(self, ids: Any, attended: Any, segments: Any) -> Any:
        x = self.norm(self.words(ids) + self.types(segments) + self.places(self.at))
        mask = (1.0 - attended[:, None, None, :].to(torch.float32)) * -10000.0
        x = self.block2(self.block1(x, mask), mask)
        return self.head(torch.tanh(self.pool(x[:, 0])))
