"""Small seeded detectors of queries: transformers that end as deployed ones do."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tests.models.detectors import SIDE, K, block


class Attention(nn.Module):
    """One head, with its residual and norm."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(c, c) for _ in range(3))
        self.norm = nn.LayerNorm(c)

    def mixed(self, x, y):
        """Before the norm."""
        seen = (self.q(x) @ self.k(y).transpose(1, 2) / self.k.out_features**0.5).softmax(-1)
        return x + seen @ self.v(y)

    def forward(self, x, y):
        return self.norm(self.mixed(x, y))


class DETR(nn.Module):
    """logits [N, Q, K + 1] with no object last, pred_boxes [N, Q, 4] in [0, 1], cx cy w h."""

    classes, bias, most = K + 1, 3.0, 24

    def __init__(self, c: int = 16) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.body = nn.Sequential(block(3, 8, 2), block(8, 8, 2), block(8, c, 2), block(c, c))
        self.place = nn.Parameter(torch.randn(1, (SIDE // 8) ** 2, c))
        self.queries = nn.Parameter(torch.randn(1, self.most, c))
        self.encoder, self.decoder = Attention(c), Attention(c)
        self.classify, self.locate = nn.Linear(c, self.classes), nn.Linear(c, 4)
        self.classify.weight.data *= 3
        self.classify.bias.data[-1] += self.bias
        self.maps: list[Any] = []

    def answered(self, x):
        """What is said of each query."""
        tokens = self.body(x).flatten(2).transpose(1, 2) + self.place
        self.maps = [self.encoder.mixed(tokens, tokens)]
        memory = self.encoder.norm(self.maps[0])
        return self.decoder(self.queries.expand(len(x), -1, -1), memory)

    def forward(self, x):
        said = self.answered(x)
        return self.classify(said), self.locate(said).sigmoid()


class Deformable(DETR):
    """The same with a sigmoid a class and no class that stands for nothing."""

    classes, bias = K, 0.0


class RFDETR(Deformable):
    """dets [N, Q, 4] without a sigmoid, labels [N, Q, K]: logits."""

    def forward(self, x):
        said = self.answered(x)
        centre, size = self.locate(said).chunk(2, -1)
        return torch.cat([centre * 0.1 + 0.5, torch.exp(size * 0.5) * 0.2], -1), self.classify(said)


class Grounding(DETR):
    """logits [N, Q, T] of the words of a text, filled up with -inf, beside pred_boxes."""

    bias, most_words = 0.0, 9

    def __init__(self) -> None:
        super().__init__()
        self.words, self.text = nn.Embedding(30, 16), Attention(16)

    def forward(self, x, input_ids, attention_mask):
        said, words = self.answered(x), self.words(input_ids)
        found = said @ self.text(words, words).transpose(1, 2)
        found = found.masked_fill(~(attention_mask > 0)[:, None], float("-inf"))
        out = torch.full((*found.shape[:2], self.most_words), float("-inf"), dtype=found.dtype)
        out[..., : found.shape[2]] = found
        return out, self.locate(said).sigmoid()
