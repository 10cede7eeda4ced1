"""The model randomisation test of Adebayo et al. 2018 on the demo's model: what is a map about?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.backend import Backend
from cam_core.demo import MODEL, PREPROCESS, load_scenes
from cam_core.image import PRESETS, preprocess

pytest.importorskip("onnxruntime")
SEEDS = 4


def with_random(backend: Backend, names: set[str], seed: int) -> Backend:
    """These weights drawn anew, from a normal distribution as wide as their own."""
    rng = np.random.default_rng(seed)

    def change(name: str, weight: Any) -> Any:
        if name not in names:
            return weight
        return (rng.normal(size=weight.shape) * weight.std()).astype(weight.dtype)

    return backend.with_weights(change)


@pytest.fixture(scope="module")
def scenes() -> tuple[Backend, Any, list[int]]:
    """The trained model, its three scenes and what it sees in them."""
    backend = OnnxBackend(MODEL.read_bytes())
    (info,), spec = backend.inputs(), PRESETS[PREPROCESS]
    x = np.concatenate([preprocess(one.pixels(), spec, info).x for one in load_scenes()])
    return backend, x, [int(c) for c in backend.look(x, layers=()).score.argmax(axis=1)]


def likeness(scenes: tuple[Backend, Any, list[int]], method: str, names: set[str]) -> float:
    """The mean rank correlation between maps of the trained and of the randomised model."""
    backend, x, classes = scenes
    own = explain(backend, x, classes, method).map
    found = []
    for seed in range(SEEDS):
        other = explain(with_random(backend, names, seed), x, classes, method).map
        found += [
            spearmanr(a.ravel(), b.ravel()).statistic
            for a, b in zip(own, other, strict=True)
            if np.ptp(a) and np.ptp(b)
        ]
    assert len(found) > SEEDS
    return float(np.mean(found))


UPPER = {"head.weight", "stage3.0.weight"}
"""The linear layer and the last convolution: what the model knows of its classes."""


def test_guided_maps_hardly_see_that_the_class_is_unlearned(scenes: Any) -> None:
    """Measured over 6 seeds: guided 0.89 and gradcam 0.03 (head), 0.71 and 0.06 (UPPER)."""
    assert likeness(scenes, "guided", {"head.weight"}) > 0.8
    assert abs(likeness(scenes, "gradcam", {"head.weight"})) < 0.4
    assert likeness(scenes, "guided", UPPER) > 0.55
    assert abs(likeness(scenes, "gradcam", UPPER)) < 0.3


def test_the_trained_model_is_like_itself(scenes: Any) -> None:
    """Nothing randomised: the measure itself."""
    for method in ("guided", "gradcam"):
        assert likeness(scenes, method, set()) == pytest.approx(1)
