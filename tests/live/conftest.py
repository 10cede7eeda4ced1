"""The image that the small module takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.fixture
def image(rng) -> Any:
    return rng.normal(size=(2, 2, 12, 10)).astype(np.float32)
