"""Whatever opset spells an operator, it is read in one form."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.emit import Emitter
from tests.sessions import run
from tests.written import parsed

PAIRS = [  # old opset and text, new opset and text with its constants
    (11, "y = Squeeze<axes=[1]>(x)", 13, "y = Squeeze(x, c)", {"c": [1]}),
    (11, "y = Unsqueeze<axes=[0]>(x)", 13, "y = Unsqueeze(x, c)", {"c": [0]}),
    (11, "y = ReduceSum<axes=[2]>(x)", 13, "y = ReduceSum(x, c)", {"c": [2]}),
    (17, "y = ReduceMean<axes=[2]>(x)", 18, "y = ReduceMean(x, c)", {"c": [2]}),
    (9, "y = Slice<starts=[1], ends=[3], axes=[2]>(x)", 11, "y = Slice(x, a, b, c)",
     {"a": [1], "b": [3], "c": [2]}),
    (9, "y = Clip<min=0.0, max=6.0>(x)", 13, "y = Clip(x, a, b)",
     {"a": np.float32(0), "b": np.float32(6)}),
    (11, "y = Split<split=[1]>(x)", 13, "y = Split(x, c)", {"c": [1]}),
    (9, "y, i = TopK<k=2>(x)", 11, "y, i = TopK(x, c)", {"c": [2]}),
    (10, "y = Pad<pads=[0,0,1,0,0,1]>(x)", 18, "y = Pad(x, c, v)",
     {"c": [0, 0, 1, 0, 0, 1], "v": np.float32(0)}),
]  # fmt: skip


def read(opset: int, text: str, constants: dict[str, Any]) -> tuple[Any, ...]:
    """(operator, attributes, values of the inputs after the first)."""
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> g (float[1,1,4] x) => (float y) {{{text}}}'
    )
    for name, value in constants.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(value), name))
    graph = prepare(model)
    (node,) = graph.nodes
    values = [Emitter(graph).value(t) for t in node.inputs[1:] if t.name]
    given = [(value.dtype, value.ravel().tolist()) for value in values if value is not None]
    return node.op, dict(node.attrs), given


@pytest.mark.parametrize(("old", "text", "new", "newer", "constants"), PAIRS, ids=lambda v: str(v))
def test_old_is_read_as_new(old: int, text: str, new: int, newer: str, constants: Any) -> None:
    op, attrs, given = read(old, text, {})
    new_op, new_attrs, new_given = read(new, newer, constants)
    assert (op, given) == (new_op, new_given)
    assert {k: v for k, v in attrs.items() if k in new_attrs} == {
        k: v for k, v in new_attrs.items() if k in attrs
    }


@pytest.mark.parametrize("attributes", ["", "<onesided = 1>", "<onesided = 0>"])
def test_a_default_that_inference_forgets(attributes: str) -> None:
    model = parsed(
        "float[2,64,1] x", f"y = STFT{attributes}(x, step, , length)", "float[A,B,C,D] y"
    )
    for name, value in {"step": 8, "length": 16}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(value), name))
    before = model.SerializeToString()
    made = run(model, x=np.zeros((2, 64, 1), np.float32))["y"]
    assert prepare(model).tensors["y"].shape == made.shape
    assert model.SerializeToString() == before


def test_defaults_are_filled_in() -> None:
    assert read(13, "y = LeakyRelu(x)", {})[1] == {"alpha": pytest.approx(0.01)}
    assert read(13, "y = Softmax(x)", {})[1] == {"axis": -1, "flatten": False}
    assert read(11, "y = Softmax(x)", {})[1] == {"axis": 1, "flatten": True}


def test_upsample_is_the_resize_of_opset_10() -> None:
    scales = np.array([1, 1, 2], np.float32)
    op, attrs, _ = read(9, "y = Upsample(x, s)", {"s": scales})
    assert op == "Resize"
    assert attrs["coordinate_transformation_mode"] == "asymmetric"
    assert attrs["nearest_mode"] == "floor"


def test_bits_read_as_the_type_that_they_have_are_the_same_numbers() -> None:
    assert read(26, "y = BitCast<to = 1>(x)", {})[0] == "Identity"
    assert read(26, "y = BitCast<to = 6>(x)", {})[0] == "BitCast"
