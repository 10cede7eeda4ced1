"""Operators whose derivative is zero: what they give does not change when their input does a bit.

By ONNX's own types most can have no other derivative: no floating point number goes in, or none
comes out. Of the others onnxruntime gives the same for numbers that differ a little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest

from backends.onnx import instrument
from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.kinds import RANDOM
from backends.onnx.reading.normalise import NEWEST
from backends.onnx.reading.prepare import prepare
from backends.onnx.rules import ZERO
from backends.onnx.writing.emit import Emitter
from cam_core.errors import LayerError
from tests.reading.test_load import STUMP
from tests.sessions import run
from tests.written import parsed

OPERATORS = sorted(operator for domain, operator in ZERO if not domain)
CALLS = {
    "Ceil": "y = Ceil(x)",
    "EyeLike": "y = EyeLike(x)",
    "Floor": "y = Floor(x)",
    "Hardmax": "y = Hardmax(x)",
    "Round": "y = Round(x)",
    "Sign": "y = Sign(x)",
    "MelWeightMatrix": """n = Constant<value_int = 4>() w = Constant<value_int = 16>()
        r = Constant<value_int = 8000>() low = ReduceMin<keepdims = 0>(x)
        high = ReduceMax<keepdims = 0>(x) l = Mul(low, low) h = Exp(high)
        y = MelWeightMatrix(n, w, r, l, h)""",
}
"""Those that floating point numbers go into and come out of."""
OF_BITS = {"BitCast"}
"""The bits of a number, read as one of another type."""
FLOATS = {"tensor(float)", "tensor(double)", "tensor(float16)", "tensor(bfloat16)"}
X = np.array([[0.2, -1.7, 2.6, 8.3], [7.4, 1.1, -0.3, 0.8]], np.float32)
"""No whole or half number, and no two alike."""


def floating(formals: Any) -> bool:
    return any(FLOATS & {*formal.types} for formal in formals)


@pytest.mark.parametrize("operator", OPERATORS)
def test_there_is_nothing_to_differentiate_or_it_is_tried(operator: str) -> None:
    schema = onnx.defs.get_schema(operator, NEWEST)
    both = floating(schema.inputs) and floating(schema.outputs)
    tried = operator in CALLS or operator in OF_BITS or ("", operator) in RANDOM
    assert tried or not both
    assert both or operator not in {*CALLS, *OF_BITS}


@pytest.mark.parametrize("operator", CALLS)
def test_a_small_step_changes_nothing(operator: str, rng: np.random.Generator) -> None:
    model = parsed("float[2,4] x", CALLS[operator], "float[A,B] y", 18)
    at = run(model, x=X)["y"]
    for _ in range(5):
        step = rng.uniform(-1e-3, 1e-3, X.shape).astype(np.float32)
        np.testing.assert_array_equal(run(model, x=X + step)["y"], at)
    assert np.unique(at).size > 1


@pytest.mark.parametrize("operator", ["Ceil", "Floor", "Round", "Sign", "Hardmax"])
def test_a_large_step_changes_something(operator: str) -> None:
    """Else the test above could not fail."""
    model = parsed("float[2,4] x", CALLS[operator], "float[2,4] y", 18)
    assert not np.array_equal(run(model, x=X)["y"], run(model, x=-X[::-1])["y"])


@pytest.mark.parametrize("operator", ["Ceil", "Hardmax", "Sign"])
def test_no_derivative_passes_it(operator: str) -> None:
    body = f"{CALLS[operator].replace('y =', 's =')} y = Exp(s)"
    op = Emitter(prepare(parsed("float[2,4] x", body, "float[2,4] y", 18)))
    y = op.graph.outputs[0]
    cot = gs.Variable("cot", y.dtype, y.shape)
    assert reverse(op, y, cot, ["s"]).keys() == {"s"}
    with pytest.raises(LayerError, match="does not reach the score"):
        reverse(op, y, cot, ["x"])


@pytest.mark.parametrize("key", ZERO, ids=".".join)
def test_every_reason_is_said(key: tuple[str, str]) -> None:
    assert ZERO[key]
    assert "\n" not in ZERO[key]


def test_trees_behind_a_network_are_stairs() -> None:
    body = (
        f"c = Conv(x, w) a = Relu(c) g = GlobalAveragePool(a) f = Flatten(g) label, y = {STUMP}(f)"
    )
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 15, "ai.onnx.ml" : 3]> '
        f"g (float[N, 3, 8, 8] x) => (float[N, 2] y) {{ {body} }}"
    )
    kernel = np.full((4, 3, 3, 3), 0.01, np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(kernel, "w"))
    low, near, high = (run(model, x=np.full((1, 3, 8, 8), v, np.float32))["y"] for v in (1, 1.1, 9))
    np.testing.assert_array_equal(low, near)
    assert not np.array_equal(low, high)
    with pytest.raises(LayerError, match=r"TreeEnsembleClassifier .* zero derivative: trees are"):
        instrument(model)
