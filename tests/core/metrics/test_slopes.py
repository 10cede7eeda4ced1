"""G against differences: a right gradient passes, one that is off by a twentieth does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx import OnnxBackend
from backends.onnx.rules import VJP_RULES
from cam_core.metrics.slopes import calmest, compare_slopes
from cam_core.targets import ClassTarget

pytest.importorskip("onnxruntime")


def backend(step: str) -> OnnxBackend:
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
    net (float[N, 3, 5, 4] x) => (float[N, 3] y) {{
        a = Relu(x)
        b = {step}(a)
        c = Mul(b, b)
        m = ReduceMean<axes = [2, 3], keepdims = 0>(c)
        y = Identity(m)
    }}""")
    return OnnxBackend(model, layer="a")


@pytest.mark.parametrize("step", ["Tanh", "Softplus"])
def test_a_right_gradient_passes(step: str, rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 3, 5, 4)).astype(np.float32)
    found = compare_slopes(backend(step), x, ClassTarget(1))
    assert found.passed is True
    assert len(found.errors) == len(found.steps) == 8
    assert found.median < 1e-3


@pytest.mark.parametrize("step", ["Tanh", "Softplus"])
def test_a_wrong_one_does_not(
    step: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = VJP_RULES["", step]

    def off(op: Any, node: Any, gy: Any) -> Any:
        return op.Mul(rule.function(op, node, gy), np.float32(1.5))

    monkeypatch.setitem(VJP_RULES, ("", step), replace(rule, function=off))
    x = rng.normal(size=(2, 3, 5, 4)).astype(np.float32)
    assert compare_slopes(backend(step), x, ClassTarget(1)).passed is False


def test_the_calmest_agrees_with_both_neighbours() -> None:
    assert calmest([9.0, 4.0, 1.1, 1.0, 1.05, 7.0]) == 3
    assert calmest([1.0, 1.0, 1.0, 5.0]) == 1
