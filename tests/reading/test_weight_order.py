"""In which order weights are read, on graphs written by hand."""

from __future__ import annotations

import numpy as np
import onnx.parser
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from backends.onnx.reading.weight_order import settings, weight_places

HEAD = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 2, 4, 4] x) => (float[N, 3] y) """


def graph(text: str) -> onnx.GraphProto:
    return onnx.parser.parse_model(HEAD + text).graph


SHUFFLED = """
<float[6, 3] last = {0}, float[2, 2, 1, 1] first = {0}, float[4] scales = {1, 1, 2, 2},
 float unread = {0}, float[2, 1, 1] middle = {0}> {
    head = Transpose<perm = [0, 1]>(last)
    a = Conv(x, first)
    big = Resize(a, , scales)
    b = Add(big, middle)
    both = Add(b, middle)
    flat = Flatten(both)
    y = MatMul(flat, head)
}"""


def test_weights_go_where_their_values_are_read() -> None:
    """Whatever the order of the file, and through a node that works on a weight alone."""
    places = weight_places(graph(SHUFFLED))
    assert {name: places[name] for name in ("first", "middle", "last")} == {
        "first": 2,
        "middle": 4,  # the first of two
        "last": 7,
    }
    assert "unread" not in places


def test_scales_are_a_setting_and_no_weight() -> None:
    assert settings(graph(SHUFFLED)) == {"scales"}


def test_a_setting_that_is_also_multiplied_with_is_a_weight() -> None:
    text = """<float[4] scales = {1, 1, 2, 2}> {
        a = Mul(x, scales)
        y = Resize(a, , scales)
    }"""
    assert settings(graph(text)) == set()
    assert weight_places(graph(text))["scales"] == 1


def test_what_a_body_reads_is_read_by_its_node() -> None:
    text = """<float[1] late = {0}, float[1] inner = {0}, bool[1] c = {1}> {
        a = Relu(x)
        b = If(c) <then_branch = t () => (float[N, 2, 4, 4] u) { u = Mul(a, inner) },
                   else_branch = e () => (float[N, 2, 4, 4] v) { v = Identity(a) }>
        y = Add(b, late)
    }"""
    places = weight_places(graph(text))
    assert (places["inner"], places["late"]) == (2, 3)


def test_a_backend_changes_weights_in_that_order() -> None:
    names: list[str] = []

    def note(name: str, weight: object) -> object:
        names.append(name)
        return weight

    model = onnx.parser.parse_model(HEAD + SHUFFLED.replace("float[6, 3]", "float[128, 3]"))
    shapes = {"last": (128, 3), "first": (2, 2, 1, 1), "middle": (2, 1, 1)}
    for tensor in model.graph.initializer:
        if tensor.name in shapes:
            zeros = np.zeros(shapes[tensor.name], np.float32)
            tensor.CopyFrom(numpy_helper.from_array(zeros, tensor.name))
    OnnxBackend(model).with_weights(note)  # type: ignore[arg-type]
    assert names == ["unread", "first", "middle", "last"]
