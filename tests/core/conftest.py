"""A linear model, and what it is asked about."""

from __future__ import annotations

import numpy as np
import pytest

from tests.core.linear import Linear


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.random((2, 4, 3, 5)).astype(np.float32)


@pytest.fixture
def model(rng: np.random.Generator) -> Linear:
    return Linear(rng.random((3, 4)).astype(np.float32))
