"""The noise floor in the file is that of the formula as loops, and that of `explain`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx import OnnxBackend, instrument
from cam_core import explain
from tests.attentive import exported, made, pictures
from tests.detectors import scene, two_scales
from tests.instrumenting.nets import by_numpy, images, net
from tests.sessions import run

EPS = 2.0**-23
"""Of float32."""


def floor(alpha: Any, A: Any) -> list[float]:
    """8 eps of the largest sum over the channels of |alpha_k A^k|, place by place."""
    found = []
    for a, w in zip(A, np.broadcast_to(alpha, A.shape), strict=True):
        most = 0.0
        for place in np.ndindex(a.shape[1:]):
            most = max(most, sum(abs(float(w[k][place] * a[k][place])) for k in range(len(a))))
        found.append(8 * EPS * most)
    return found


@pytest.mark.parametrize("method", ["gradcam", "hirescam", "layercam", "gradcam++"])
def test_it_is_the_formula(method: str) -> None:
    x = images(2)
    file = instrument(net(), method=method, outputs=["map", "noise_floor"])
    found = run(file, x=x, cam_class=np.array([3, 1]))["cam_noise_floor"]
    A, _, alpha, _ = by_numpy(x, [3, 1], method)
    np.testing.assert_allclose(found, floor(alpha, A), rtol=1e-5)
    assert found.min() > 0


def test_over_the_input_it_is_that_of_explain() -> None:
    x = images(2)
    file = instrument(net(), method="gradient", target="3", outputs=["map", "noise_floor"])
    expected = explain(OnnxBackend(net()), x, 3, "gradient").noise_floor
    np.testing.assert_allclose(run(file, x=x)["cam_noise_floor"], expected, rtol=1e-5)


def test_of_attention_it_is_that_of_explain() -> None:
    pytest.importorskip("torch")
    model, x = exported(made("class", "after"), "torchscript", 17), pictures(2).numpy()
    file = instrument(model, method="gradrollout", target="3", outputs=["map", "noise_floor"])
    expected = explain(OnnxBackend(model), x, 3, "gradrollout").noise_floor
    np.testing.assert_allclose(run(file, x=x)["cam_noise_floor"], expected, rtol=1e-5)


def test_a_merged_map_has_none() -> None:
    """Its maximum is 1, or 0 where every layer's map is noise."""
    file = instrument(two_scales(), target="0@anchor:3", outputs=["map", "noise_floor"])
    found = run(file, x=scene())
    assert found["cam_noise_floor"].tolist() == [0]
    assert found["cam_map"].max() == 1
