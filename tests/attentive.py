"""A small ViT in the spellings of attention that exporters meet, and what its blocks attend to."""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.models.networks import randomise

WIDTH, HEADS, PATCH, CLASSES = 12, 2, 4, 5
GRID = (2, 3)
SIZE = (GRID[0] * PATCH, GRID[1] * PATCH)
SPELLINGS = ("before", "after", "einsum", "merged", "turned", "masked", "sdpa")
HEADS_OF = ("class", "registers", "mean", "patches", "last")
"""What the head reads: one token of several summary tokens, or the mean of all or of places."""


@dataclass
class Spied:
    """What one pass made; [N, heads, T, T] or [N, T, C]."""

    P: list[Any] = field(default_factory=list)
    ends: list[Any] = field(default_factory=list)
    q: Any = None
    k: Any = None
    v: Any = None
    o: Any = None


class Attend(nn.Module):
    """softmax(Q K^T) V, written in several ways."""

    def __init__(self, spelling: str) -> None:
        super().__init__()
        self.spelling = spelling
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Any, spied: Spied | None = None, heads: int = HEADS) -> Any:
        n, t, c = x.shape
        qkv = self.qkv(x).reshape(n, t, 3, heads, c // heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        if spied is None:
            y = self.spelled(q, k, v)
        else:
            P = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)
            y = P @ v
            spied.P.append(P)
        o = y.transpose(1, 2).reshape(n, t, c)
        if spied is not None:
            spied.q, spied.k, spied.v = (z.transpose(1, 2).reshape(n, t, c) for z in (q, k, v))
            spied.o = o
        return self.proj(o)

    def spelled(self, q: Any, k: Any, v: Any) -> Any:
        n, h, t, d = q.shape
        scale = d**-0.5
        if self.spelling == "before":
            return (q * scale @ k.transpose(-2, -1)).softmax(-1) @ v
        if self.spelling == "after":
            return (q @ k.transpose(-2, -1) * scale).softmax(-1) @ v
        if self.spelling == "masked":
            scores = q @ k.transpose(-2, -1) / d**0.5 + torch.zeros(1, 1, t, t)
            return scores.masked_fill(torch.zeros(t, t, dtype=torch.bool), -1e4).softmax(-1) @ v
        if self.spelling == "einsum":
            P = (torch.einsum("nhqd,nhkd->nhqk", q, k) * scale).softmax(-1)
            return torch.einsum("nhqk,nhkd->nhqd", P, v)
        if self.spelling == "merged":
            flat = [z.reshape(n * h, t, d) for z in (q, k, v)]
            P = torch.bmm(flat[0] * scale, flat[1].transpose(1, 2)).softmax(-1)
            return torch.bmm(P, flat[2]).reshape(n, h, t, d)
        if self.spelling == "turned":  # the keys before the queries, as in convolutional attention
            P = (k * scale @ q.transpose(-2, -1)).softmax(-2)
            return (v.transpose(-2, -1) @ P).transpose(-2, -1)
        return F.scaled_dot_product_attention(q, k, v)


class Block(nn.Module):
    def __init__(self, spelling: str) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn = Attend(spelling)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))

    def forward(self, x: Any, spied: Spied | None = None, heads: int = HEADS) -> Any:
        x = x + self.attn(self.norm1(x), spied, heads)
        x = x + self.mlp(self.norm2(x))
        if spied is not None:
            spied.ends.append(x)
        return x


class TinyViT(nn.Module):
    """Patches of 4 x 4 in a grid of 2 x 3, summary tokens before or after them, a head."""

    def __init__(self, head: str = "class", spelling: str = "before", depth: int = 2) -> None:
        super().__init__()
        self.summary = {"class": 1, "registers": 3, "mean": 0, "patches": 2, "last": 1}[head]
        self.read, tokens = head, GRID[0] * GRID[1] + self.summary
        self.patch = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.tokens = nn.Parameter(torch.zeros(1, max(self.summary, 1), WIDTH))
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, WIDTH))
        self.blocks = nn.ModuleList(Block(spelling) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)

    def embedded(self, x: Any) -> Any:
        x = self.patch(x).flatten(2).transpose(1, 2)
        if self.summary:
            more = self.tokens.expand(x.shape[0], -1, -1)
            x = torch.cat([x, more] if self.read == "last" else [more, x], 1)
        return x + self.pos_embed

    def ended(self, x: Any) -> Any:
        x = self.norm(x)
        if self.read == "mean":
            return self.head(x.mean(1))
        if self.read == "patches":
            return self.head(x[:, self.summary :].mean(1))
        return self.head(x[:, -1] if self.read == "last" else x[:, 0])

    def forward(self, x: Any) -> Any:
        x = self.embedded(x)
        for block in self.blocks:
            x = block(x)
        return self.ended(x)

    def spied(self, x: Any, *, one_head: bool = False) -> tuple[Any, Spied]:
        """The score, and what every block attended to, in plain products."""
        x, spied = self.embedded(x), Spied()
        for i, block in enumerate(self.blocks):
            last = i == len(self.blocks) - 1
            x = block(x, spied, 1 if one_head and last else HEADS)
        return self.ended(x), spied

    def places(self, keys: Any) -> Any:
        """[N, T] at the places [N, 2, 3]."""
        first = 0 if self.read == "last" else self.summary
        return keys[:, first : first + GRID[0] * GRID[1]].reshape(-1, *GRID)

    def queries(self) -> list[int]:
        """The tokens that the head reads."""
        count = GRID[0] * GRID[1] + self.summary
        by_head = {"mean": range(count), "patches": range(self.summary, count)}
        return list(by_head.get(self.read, [count - 1 if self.read == "last" else 0]))


def made(head: str = "class", spelling: str = "before", seed: int = 0, depth: int = 2) -> TinyViT:
    """A net with seeded weights."""
    return randomise(TinyViT(head, spelling, depth), seed)  # type: ignore[return-value]


def pictures(rows: int = 2, seed: int = 1) -> Any:
    return torch.randn(rows, 3, *SIZE, generator=torch.Generator().manual_seed(seed))


def exported(net: nn.Module, exporter: str, opset: int) -> bytes:
    """The net as a file with a batch of any size."""
    x, file = pictures(), io.BytesIO()
    names = {"input_names": ["x"], "output_names": ["y"]}
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if exporter == "torchscript":
                axes = {"x": {0: "n"}}
                torch.onnx.export(net, (x,), file, dynamo=False, opset_version=opset,
                                  dynamic_axes=axes, **names)  # fmt: skip
                return file.getvalue()
            shapes = ({0: torch.export.Dim("n")},)
            program = torch.onnx.export(net, (x,), dynamo=True, opset_version=opset, verbose=False,
                                        dynamic_shapes=shapes, **names)  # fmt: skip
    finally:
        logging.disable(level)
    assert program is not None
    return program.model_proto.SerializeToString()
