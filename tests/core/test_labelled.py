"""n numbers that nothing is known of are classes once there are n names of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from cam_core import explain_all
from cam_core.errors import TargetError
from cam_core.head import Head, head_of
from cam_core.labelled import labelled

NAMES = ("ant", "bee", "cow")
POOLED = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 3, 6, 6] x) => (float[N, 3] y) {
    a = Relu(x)
    p = GlobalAveragePool(a)
    y = Flatten(p)
}"""
"""As SqueezeNet ends: a pool of maps."""


def backend(kind: str, shape: tuple[int | str, ...] | None) -> Any:
    heads = [Head("y", kind, "a guess", "y", 1), Head("z", "unknown", "", "z")]
    return SimpleNamespace(heads=lambda: heads, score_shape=shape, score_name="y")


@pytest.mark.parametrize(
    ("kind", "shape", "labels", "found"),
    [
        ("unknown", ("N", 3), NAMES, "classes"),
        ("unknown", ("N", 3), None, "unknown"),
        ("unknown", ("N", 4), NAMES, "unknown"),
        ("unknown", ("N", 3, 6, 6), NAMES, "unknown"),  # classes at places are another kind
        ("unknown", None, NAMES, "unknown"),
        ("embedding", ("N", 3), NAMES, "embedding"),
        ("regression", ("N", 3), NAMES, "regression"),
    ],
)
def test_the_kind_of_a_score_with_names(
    kind: str, shape: tuple[int | str, ...] | None, labels: Any, found: str
) -> None:
    one = labelled(backend(kind, shape), labels)
    assert [head.kind for head in one.heads()] == [found, "unknown"]
    assert one.score_name == "y"


def test_a_silent_backend_stays_silent() -> None:
    silent: Any = SimpleNamespace()
    assert head_of(labelled(silent, NAMES)) is None


def test_a_mistake_of_a_model_that_ends_in_a_pool() -> None:
    from backends.onnx import OnnxBackend

    model = OnnxBackend(onnx.parser.parse_model(POOLED))
    x = np.random.default_rng(2).random((1, 3, 6, 6), np.float32)
    x[0, 1] += 1  # so the model says bee
    with pytest.raises(TargetError, match="the model gives unknown"):
        explain_all(model, x, ["versus:0"])
    predicted, true, difference = explain_all(model, x, ["versus:cow"], labels=NAMES)
    np.testing.assert_allclose(predicted.map[0], x[0, 1] / 36, rtol=1e-5)
    np.testing.assert_allclose(true.map[0], x[0, 2] / 36, rtol=1e-5)
    np.testing.assert_allclose(difference.signed[0], (x[0, 1] - x[0, 2]) / 36, rtol=1e-4)


def test_a_live_module_is_known_once_it_ran() -> None:
    torch = pytest.importorskip("torch")
    from backends.torch import TorchBackend

    torch.manual_seed(0)
    layers = (torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 3, 1))
    module = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).eval()
    model = TorchBackend(module)
    x = np.random.default_rng(2).random((1, 3, 6, 6), np.float32)
    top = int(module(torch.tensor(x)).argmax())
    found = explain_all(model, x, [f"versus:{(top + 1) % 3}"], labels=NAMES)
    assert [one.labels for one in found[:2]] == [(NAMES[top],), (NAMES[(top + 1) % 3],)]
