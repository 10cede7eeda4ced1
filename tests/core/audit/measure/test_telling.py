"""How sure a model is, where it says so itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.audit.measure.telling import confidences
from cam_core.head import Head
from tests.core.audit.tiny import Tiny, W

HEADS = {
    "Softmax": lambda y: np.exp(y) / np.exp(y).sum(axis=1, keepdims=True),
    "Sigmoid": lambda y: 1 / (1 + np.exp(-y)),
}


@pytest.mark.parametrize("activation", ["Softmax", "Sigmoid", ""])
def test_confidence_is_the_models_own_word(activation: str) -> None:
    class Headed(Tiny):
        def heads(self) -> list[Head]:
            return [Head("y", "classes", "said", "y", 1, activation)]

    y = np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0]], np.float32)
    found: Any = confidences(Headed(W), y, [1, None])  # type: ignore[arg-type]
    assert np.isnan(found[1])
    if not activation:
        assert np.isnan(found[0])
    else:
        assert found[0] == pytest.approx(HEADS[activation](y.astype(np.float64))[0, 1], rel=1e-6)
