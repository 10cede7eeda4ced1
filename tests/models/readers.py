"""Small readers of both kinds, one by a recurrent network over the width, the others by steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

C, T = 12, 7
"""Classes and steps."""
torch.backends.mha.set_fastpath_enabled(False)


class Kept(nn.Module):
    """Keeps the map that is looked at."""

    layer: Any = None

    def keep(self, tensor: Any) -> Any:
        self.layer = tensor
        return tensor


class CRNN(Kept):
    """[T, N, C]: columns of a map read in both directions (Shi et al. 2015)."""

    def __init__(self) -> None:
        super().__init__()
        first, second = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 10, (4, 3), (4, 1), (0, 1))
        self.body = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
        self.rnn, self.head = nn.LSTM(20, 9, bidirectional=True), nn.Linear(18, C)

    def forward(self, x: Any) -> Any:
        columns = self.keep(self.body(x)).flatten(1, 2).permute(2, 0, 1)
        return self.head(self.rnn(columns)[0])


class Queries(Kept):
    """[N, T, C]: a query a character looks at the picture (PARSeq, ABINet)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 8, 8), nn.ReLU())
        self.place, self.queries = (nn.Parameter(torch.randn(1, n, 16)) for n in (16, T))
        self.q, self.k, self.v, self.head = (nn.Linear(16, n) for n in (16, 16, 16, C))

    def forward(self, x: Any) -> Any:
        tokens = self.keep(self.body(x)).flatten(2).transpose(1, 2) + self.place
        queries = self.q(self.queries).expand(len(x), -1, -1)
        seen = (queries @ self.k(tokens).transpose(1, 2)).softmax(-1)
        return self.head(torch.relu(seen @ self.v(tokens)))


class FirstTokens(Kept):
    """[N, T, C]: the first tokens of a transformer are the characters (ViTSTR)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 8, 8), nn.ReLU())
        self.first, self.place = (nn.Parameter(torch.randn(1, n, 16)) for n in (1, 17))
        self.q, self.k, self.v, self.head = (nn.Linear(16, n) for n in (16, 16, 16, C))

    def forward(self, x: Any) -> Any:
        tokens = self.keep(self.body(x)).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.first.expand(len(x), -1, -1), tokens], 1) + self.place
        seen = (self.q(tokens) @ self.k(tokens).transpose(1, 2)).softmax(-1)
        return self.head(tokens + seen @ self.v(tokens))[:, :T]


class Slots(Kept):
    """[N, T, C] after a softmax: a number plate with so many places."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 8, 8), nn.ReLU())
        self.head = nn.Linear(16 * 16, T * C)

    def forward(self, x: Any) -> Any:
        return self.head(self.keep(self.body(x)).flatten(1)).view(-1, T, C).softmax(-1)


class Unrolled(Kept):
    """[N, T, C]: a cell is told what it has read so far, and looks again (RARE, SAR)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 8, 8), nn.ReLU())
        self.read, self.cell = nn.Embedding(C, 8), nn.LSTMCell(24, 16)
        self.head = nn.Linear(16, C)

    def forward(self, x: Any) -> Any:
        tokens = self.keep(self.body(x)).flatten(2).transpose(1, 2)
        h = c = torch.zeros(1, 16, dtype=x.dtype)
        word, found = torch.zeros(1, dtype=torch.long), []
        for _ in range(T):
            seen = (tokens @ h[:, :, None]).softmax(1)
            given = torch.cat([(seen * tokens).sum(1), self.read(word)], 1)
            h, c = self.cell(given, (h, c))
            found.append(self.head(h))
            word = found[-1].argmax(1)
        return torch.stack(found, 1)
