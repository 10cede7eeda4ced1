"""The image that small modules take."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def image() -> Any:
    import torch

    return torch.randn(1, 1, 9, 8, generator=torch.Generator().manual_seed(1))
