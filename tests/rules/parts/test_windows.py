"""Windows of a convolution or pool, against what onnxruntime makes of the same attributes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest
from onnx import helper

from backends.onnx.rules.parts.windows import windows_of
from cam_core.errors import UnsupportedOpError
from tests.sessions import run

SIZE = 9


def pooled(attrs: dict[str, Any]) -> Any:
    """The sum of every window over 1, 2, 4, ...: which cells it reads, in bits."""
    x = helper.make_tensor_value_info("x", onnx.TensorProto.DOUBLE, [1, 1, SIZE])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    w = onnx.numpy_helper.from_array(np.ones((1, 1, *attrs["kernel_shape"]), np.float32), "w")
    nodes = [
        helper.make_node("Cast", ["x"], ["single"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Conv", ["single", "w"], ["y"], **attrs),
    ]
    graph = helper.make_graph(nodes, "g", [x], [y], [w])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    return run(model, x=2.0 ** np.arange(SIZE)[None, None])["y"][0, 0].astype(int)


ATTRIBUTES = [
    {"kernel_shape": [k], "strides": [s], "dilations": [d], **pads}
    for k, s, d in itertools.product((1, 2, 3), (1, 2, 3), (1, 2))
    for pads in (
        {},
        {"pads": [1, 2]},
        {"auto_pad": "VALID"},
        *({"auto_pad": way} for way in ("SAME_UPPER", "SAME_LOWER") if d == 1),
    )
]


@pytest.mark.parametrize("attrs", ATTRIBUTES, ids=str)
def test_they_read_what_the_runtime_reads(attrs: dict[str, Any]) -> None:
    node = gs.Node("Conv", "conv", dict(attrs))
    found = windows_of(node, attrs["kernel_shape"], [SIZE])
    (begin,), (end,), (stride,) = found.begin, found.end, found.strides
    assert begin is not None
    assert end is not None
    expected = []
    for start in range(-begin, SIZE + end - found.reach(0), stride):
        cells = range(start, start + found.reach(0) + 1, found.dilations[0])
        expected.append(sum(2**cell for cell in cells if 0 <= cell < SIZE))
    assert expected == pooled(attrs).tolist()


def test_same_of_an_open_extent_is_known_at_stride_1_alone() -> None:
    node = gs.Node("Conv", "conv", {"auto_pad": "SAME_LOWER", "strides": [1, 2]})
    found = windows_of(node, (4, 3), ("H", "W"))
    assert (found.begin, found.end, found.lower) == ((2, None), (1, None), True)


@pytest.mark.parametrize(
    ("kernel", "attrs", "told"),
    [((3,), {"pads": [-1, 0]}, "pads are negative"), (("k",), {}, "kernel's size is dynamic")],
)
def test_refused(kernel: Any, attrs: dict[str, Any], told: str) -> None:
    node = gs.Node("Conv", "conv", attrs, outputs=[gs.Variable("y")])
    with pytest.raises(UnsupportedOpError, match=told):
        windows_of(node, kernel, [SIZE])
