"""Every tensor of a file, against NumPy."""

from __future__ import annotations

import numpy as np
import onnx.parser
import pytest

pytest.importorskip("onnxruntime")

from backends.onnx import OnnxBackend
from backends.onnx.running.every_tensor import every_tensor
from backends.onnx.running.runner import Runner

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
small (float[N, 2, 3, 3] x) => (float[N, 2] y) <float two = {2}> {
    doubled = Mul(x, two)
    late = Relu(doubled)
    shape = Shape(late)
    mean = GlobalAveragePool(late)
    y = Flatten(mean)
}"""


def test_floats_in_the_files_order() -> None:
    x = np.random.default_rng(0).normal(size=(2, 2, 3, 3)).astype(np.float32)
    model = onnx.parser.parse_model(TEXT)
    found = every_tensor(model, Runner(), {"x": x})
    assert list(found) == ["doubled", "late", "mean", "y"]
    np.testing.assert_allclose(found["doubled"], 2 * x)
    np.testing.assert_allclose(found["late"], np.maximum(2 * x, 0))
    mean = np.maximum(2 * x, 0).mean((2, 3))
    np.testing.assert_allclose(found["y"], mean, rtol=1e-6)
    assert [output.name for output in model.graph.output] == ["y"]
    shown = OnnxBackend(model).tensors(x)
    np.testing.assert_array_equal(shown["y"], found["y"])
