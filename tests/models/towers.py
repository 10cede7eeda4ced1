"""A small seeded model of two towers, laid out as CLIP's modules and exports are."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

WORDS, LONGEST, WIDE, SHARED, SIDE, PATCH, HEADS = 40, 12, 16, 8, 32, 8, 2
END = WORDS - 1
"""The word that a caption ends with; its place stands for the whole."""


class Layer(nn.Module):
    """A pre-norm block: attention, then two linear layers with QuickGelu."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDE), nn.LayerNorm(WIDE)
        self.q, self.k, self.v, self.out = (nn.Linear(WIDE, WIDE) for _ in range(4))
        self.up, self.down = nn.Linear(WIDE, 2 * WIDE), nn.Linear(2 * WIDE, WIDE)

    def attend(self, x: Any, mask: Any) -> Any:
        n, t, _ = x.shape
        q, k, v = (
            f(x).view(n, t, HEADS, WIDE // HEADS).transpose(1, 2) for f in (self.q, self.k, self.v)
        )
        scores = q @ k.transpose(-1, -2) * (WIDE // HEADS) ** -0.5
        seen = (scores if mask is None else scores + mask).softmax(-1) @ v
        return self.out(seen.transpose(1, 2).reshape(n, t, WIDE))

    def forward(self, x: Any, mask: Any = None) -> Any:
        x = x + self.attend(self.norm1(x), mask)
        h = self.up(self.norm2(x))
        return x + self.down(h * torch.sigmoid(1.702 * h))


class Text(nn.Module):
    """Causal, padding masked; pooled at the last word, which has the largest number."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(WORDS, WIDE), nn.Embedding(LONGEST, WIDE)
        self.register_buffer("places", torch.arange(LONGEST)[None])
        self.layers = nn.ModuleList(Layer() for _ in range(2))
        self.norm = nn.LayerNorm(WIDE)

    def forward(self, ids: Any, mask: Any) -> Any:
        t = ids.shape[-1]
        x = self.words(ids) + self.positions(self.places[:, :t])
        low = torch.finfo(x.dtype).min
        later = torch.full((t, t), low, dtype=x.dtype).triu(1)[None, None]
        none = (1 - mask[:, None, None, :].to(x.dtype)) * low
        for layer in self.layers:
            x = layer(x, torch.maximum(later + none, torch.tensor(low, dtype=x.dtype)))
        x = self.norm(x)
        return x[torch.arange(x.shape[0]), (ids == END).int().argmax(-1)]


class Picture(nn.Module):
    """Patches and a class token, which is read at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDE, PATCH, PATCH, bias=False)
        self.token = nn.Parameter(torch.randn(WIDE))
        count = (SIDE // PATCH) ** 2 + 1
        self.positions = nn.Embedding(count, WIDE)
        self.register_buffer("places", torch.arange(count)[None])
        self.before, self.after = nn.LayerNorm(WIDE), nn.LayerNorm(WIDE)
        self.layers = nn.ModuleList(Layer() for _ in range(2))
        self.seen: Any = None

    def forward(self, x: Any) -> Any:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        first = self.token.expand(x.shape[0], 1, -1)
        x = self.before(torch.cat([first, tokens], 1) + self.positions(self.places))
        for layer in self.layers:
            x = layer(x)
        return self.after(x[:, 0])


class Clip(nn.Module):
    """input_ids, pixel_values, attention_mask -> logits both ways and the vectors of both."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.text, self.picture = Text(), Picture()
        self.of_text, self.of_picture = (nn.Linear(WIDE, SHARED, bias=False) for _ in range(2))
        self.scale = nn.Parameter(torch.tensor(1.5))
        for weight in self.parameters():
            weight.data *= 1.5

    def forward(self, input_ids: Any, pixel_values: Any, attention_mask: Any) -> Any:
        image = self.of_picture(self.picture(pixel_values))
        text = self.of_text(self.text(input_ids, attention_mask))
        image, text = (
            image / image.norm(dim=-1, keepdim=True),
            text / text.norm(dim=-1, keepdim=True),
        )
        by_text = text @ image.t() * self.scale.exp()
        return by_text.t(), by_text, text, image
