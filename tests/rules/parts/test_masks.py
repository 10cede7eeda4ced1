"""Masks of maps: a HardSigmoid as steep as float32 allows is a step, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.reading.prepare import prepare
from backends.onnx.rules.parts.masks import above, below
from backends.onnx.writing.append import append
from backends.onnx.writing.emit import Emitter
from tests.sessions import open_session

LEAST = np.float32(2.0**-126)
"""The smallest normal number."""
BOUNDS = [0.0, 6.0, -1.0, 1e-3, -3.0, 0.1, 255.0, 1e15, -1e-15]


def around(bound: float) -> Any:
    """Numbers on either side of a bound, its neighbours among them, as a map [1, 1, 1, n]."""
    b = np.float32(bound)
    near = [b, np.nextafter(b, np.float32(np.inf)), np.nextafter(b, np.float32(-np.inf))]
    near = [v for v in near if abs(v) >= LEAST or v == 0]
    far = [0.0, -0.0, LEAST, -LEAST, 1.0, -1.0, 3e38, -3e38, np.inf, -np.inf]
    return np.array([*near, *far], np.float32).reshape(1, 1, 1, -1)


def masks(x: Any, bound: float) -> tuple[dict[str, Any], set[str]]:
    """Both masks by onnxruntime, and the operators that make them."""
    kind = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
    source = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Identity", ["x"], ["y"])],
            "g",
            [onnx.helper.make_tensor_value_info("x", kind, x.shape)],
            [onnx.helper.make_tensor_value_info("y", kind, x.shape)],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=8,
    )
    op = Emitter(prepare(source))
    y = op.graph.tensors["y"]
    edge = gs.Constant("edge", np.array(bound, x.dtype))
    made = [op.named(above(op, y, edge), "above"), op.named(below(op, y, edge), "below")]
    model = append(op, inputs=[], outputs=made)
    session = open_session(model)
    names = ["above", "below"]
    found = dict(zip(names, session.run(names, {"x": x}), strict=True))
    return found, {node.op_type for node in model.graph.node}


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_steep_line_is_a_step(bound: float) -> None:
    x = around(bound)
    found, operators = masks(x, bound)
    assert operators == {"Identity", "HardSigmoid"}
    edge = np.float32(bound)
    np.testing.assert_array_equal(found["above"], (x > edge).astype(np.float32))
    np.testing.assert_array_equal(found["below"], (x < edge).astype(np.float32))


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((1, 1, 2, 5), np.float16), ((1, 1, 2, 5), np.float64), ((2, 5), np.float32)],
    ids=["float16", "float64", "no map"],
)
def test_what_is_no_float32_map_is_compared(shape: tuple[int, ...], kind: Any) -> None:
    x = np.linspace(-2, 2, 10).reshape(shape).astype(kind)
    found, operators = masks(x, 0.0)
    assert "HardSigmoid" not in operators
    np.testing.assert_array_equal(found["above"], (x > 0).astype(kind))
    np.testing.assert_array_equal(found["below"], (x < 0).astype(kind))
