"""A small module, and its cotangents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


class Small(nn.Module):
    """conv, in-place ReLU called twice, pool, conv, functional in-place ReLU, head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.body = nn.Conv2d(4, 5, 3)
        self.head = nn.Linear(5, 3)
        self.unused = nn.Linear(2, 2)

    def tail(self, y: Any) -> Any:
        """From the second convolution's output on."""
        return self.head(torch.relu(y).mean(dim=(2, 3)))

    def forward(self, image: Any) -> Any:
        y = self.pool(self.relu(self.stem(image)))
        y = self.relu(self.body(y))
        return self.head(y.mean(dim=(2, 3)))


def small() -> Small:
    torch.manual_seed(3)
    net = Small()
    net.stem[1].running_mean.normal_()
    net.stem[1].running_var.uniform_(0.5, 2.0)
    return net


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b.detach().numpy() if hasattr(b, "detach") else b, atol=1e-6)
