"""What docs/methods.md says of BiCAM's ratio: it does not tell attacked pictures from others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.attack import fgsm
from tests.paths import DATA

MODEL = DATA / "models" / "cifar10-vit.onnx"
pytestmark = pytest.mark.skipif(not MODEL.exists(), reason="shared/data is not here")
MEAN = np.array((0.4914, 0.4822, 0.4465)).reshape(3, 1, 1)
STD = np.array((0.2023, 0.1994, 0.2010)).reshape(3, 1, 1)
EPS = 8 / 255


def ratios(backend: OnnxBackend, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    found = explain(backend, x.astype(np.float32), classes.tolist(), "bicam")
    return np.array([row.facts()["evidence"]["against_over_for"] for row in found])


def test_the_ratio_is_no_larger_on_attacked_pictures() -> None:
    """0.5 is chance; of all 242 pictures it was 0.48, and 64 leave a scatter of 0.05."""
    backend = OnnxBackend(MODEL)
    pixels = np.load(DATA / "cifar10_242.npz")["x"][:64] / 255
    (y,) = backend.forward(((pixels - MEAN) / STD).astype(np.float32)).values()
    classes = y.argmax(axis=1)

    def away(y: Any, _: Any) -> Any:
        powers = np.exp(y - y.max(axis=1, keepdims=True))
        return (
            powers / powers.sum(axis=1, keepdims=True) - np.eye(y.shape[1], dtype=y.dtype)[classes]
        )

    def gradient(p: np.ndarray) -> np.ndarray:
        x = ((p - MEAN) / STD).astype(np.float32)
        look = backend.look(x, layers=(), inputs=None)
        (found,) = look.pull(away).inputs.values()
        return found / STD

    attacked = (fgsm(pixels, gradient, EPS, high=1.0) - MEAN) / STD
    (y,) = backend.forward(attacked.astype(np.float32)).values()
    assert np.mean(y.argmax(axis=1) != classes) > 0.9
    clean = ratios(backend, (pixels - MEAN) / STD, classes)
    after = ratios(backend, attacked, y.argmax(axis=1))
    assert 0.3 < np.mean(after[:, None] > clean[None]) < 0.7
