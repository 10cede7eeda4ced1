"""Small modules to export."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

EXPORTERS = ("dynamo", "torchscript")


class Small(nn.Module):
    """Two convolutions, a batch norm that folds, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.body = nn.Conv2d(4, 4, 3)
        self.head = nn.Linear(4, 3)

    def forward(self, image: Any) -> Any:
        return self.head(self.body(self.stem(image)).mean(dim=(2, 3)))
