"""What a network adds, against completeness: f(x) = x df/dx + sum b df/db of rectifiers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from cam_core.looking import Looks
from cam_core.methods import Question
from cam_core.methods.from_input_gradients import bias_gradients
from cam_core.targets.classes.one_class import ClassTarget

pytest.importorskip("onnxruntime")
SHAPES = {
    **{"w": (4, 3, 3, 3), "b": (4,), "c": (4, 1, 1), "map": (1, 4, 6, 6), "head": (4, 5)},
    **{"scale": (4,), "shift": (4,), "mean": (4,), "square": (4, 4), "row": (4,)},
}
SPELLED = {  # body from x to a; the layers that have a bias
    "Conv": ("z = Conv<pads = [1, 1, 1, 1]>(x, w, b)", {"z": (1, 4, 1, 1)}),
    "no bias": ("z = Conv<pads = [1, 1, 1, 1]>(x, w)", {}),
    "Add": ("m = Conv<pads = [1, 1, 1, 1]>(x, w) z = Add(m, c)", {"z": (1, 4, 1, 1)}),
    "Add of a map": ("m = Conv<pads = [1, 1, 1, 1]>(x, w) z = Add(map, m)", {"z": (1, 4, 6, 6)}),
    "Sub": ("m = Conv<pads = [1, 1, 1, 1]>(x, w) z = Sub(m, c)", {"z": (1, 4, 1, 1)}),
    "Sub from": ("m = Conv<pads = [1, 1, 1, 1]>(x, w) z = Sub(c, m)", {"z": (1, 4, 1, 1)}),
    "BatchNormalization": (
        "m = Conv<pads = [1, 1, 1, 1]>(x, w, b) r = Relu(m) "
        "z = BatchNormalization<epsilon = 0.1>(r, scale, shift, mean, variance)",
        {"m": (1, 4, 1, 1), "z": (1, 4, 1, 1)},
    ),
    "channels last": (
        "m = Conv<pads = [1, 1, 1, 1]>(x, w) t = Transpose<perm = [0, 2, 3, 1]>(m) "
        "p = MatMul(t, square) q = Add(p, row) l = Relu(q) z = Transpose<perm = [0, 3, 1, 2]>(l)",
        {"q": (1, 4, 6, 6)},
    ),
    "windows as rows": (
        "m = Conv<pads = [1, 1, 1, 1]>(x, w) s = Constant<value_ints = [0, 4, 2, 3, 2, 3]>() "
        "cut = Reshape(m, s) t = Transpose<perm = [0, 2, 4, 3, 5, 1]>(cut) "
        "s2 = Constant<value_ints = [-1, 9, 4]>() rows = Reshape(t, s2) "
        "p = MatMul(rows, square) q = Add(p, row) l = Relu(q) "
        "s3 = Constant<value_ints = [-1, 2, 2, 3, 3, 4]>() apart = Reshape(l, s3) "
        "back = Transpose<perm = [0, 5, 1, 3, 2, 4]>(apart) "
        "s4 = Constant<value_ints = [-1, 4, 6, 6]>() z = Reshape(back, s4)",
        {"q": (1, 4, 6, 6)},
    ),
    "windows as rows, turned": (
        "m = Conv<pads = [1, 1, 1, 1]>(x, w) s = Constant<value_ints = [0, 4, 2, 3, 2, 3]>() "
        "cut = Reshape(m, s) t = Transpose<perm = [0, 4, 2, 5, 3, 1]>(cut) "
        "s2 = Constant<value_ints = [-1, 9, 4]>() rows = Reshape(t, s2) "
        "p = MatMul(rows, square) q = Add(p, row) l = Relu(q) "
        "s3 = Constant<value_ints = [-1, 2, 2, 3, 3, 4]>() apart = Reshape(l, s3) "
        "back = Transpose<perm = [0, 5, 2, 4, 1, 3]>(apart) "
        "s4 = Constant<value_ints = [-1, 4, 6, 6]>() z = Reshape(back, s4)",
        {"q": (1, 4, 6, 6)},
    ),
}


def model(body: str) -> onnx.ModelProto:
    made = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> net (float[N, 3, 6, 6] x) => (float[N, 5] y) '
        f"{{ {body} a = Relu(z) g = GlobalAveragePool(a) f = Flatten(g) y = MatMul(f, head) }}"
    )
    rng = np.random.default_rng(4)
    weights = {n: rng.normal(size=s).astype(np.float32) for n, s in SHAPES.items()}
    weights["variance"] = np.array([0.5, 1, 2, 3], np.float32)
    made.graph.initializer.extend(numpy_helper.from_array(w, n) for n, w in weights.items())
    return made


@pytest.mark.parametrize(("body", "shapes"), SPELLED.values(), ids=SPELLED)
def test_the_parts_sum_to_the_score(body: str, shapes: dict[str, Any]) -> None:
    backend = OnnxBackend(model(body))
    assert {name: bias.shape for name, bias in backend.biases.items()} == shapes
    x = np.random.default_rng(6).normal(size=(2, 3, 6, 6)).astype(np.float32)
    question: Question
    (question,) = Looks(backend, x).questions(ClassTarget((1, 4)))
    parts = [(question.X * question.GX), *(part for part, _ in bias_gradients(question))]
    total = sum(part.reshape(2, -1).sum(axis=1) for part in parts)
    np.testing.assert_allclose(total, question.Y, rtol=1e-5, atol=1e-5)


def test_what_a_layer_norm_adds_is_its_bias() -> None:
    body = (
        "m = Conv<pads = [1, 1, 1, 1]>(x, w) t = Transpose<perm = [0, 2, 3, 1]>(m) "
        "l = LayerNormalization<axis = -1>(t, scale, shift) z = Transpose<perm = [0, 3, 1, 2]>(l)"
    )
    made = model(body)
    (shift,) = (numpy_helper.to_array(t) for t in made.graph.initializer if t.name == "shift")
    ((name, bias),) = OnnxBackend(made).biases.items()
    assert name == "l"
    np.testing.assert_array_equal(bias, np.broadcast_to(shift[:, None, None], (1, 4, 6, 6)))


def test_the_score_and_what_has_no_places_add_nothing() -> None:
    body = "y0 = Conv(x, w, b) z = Relu(y0)"
    made = model(body)
    head = onnx.parser.parse_graph(
        "h (float[N, 4] f) => (float[N, 5] y) { y = Gemm(f, head, five) }"
    ).node[0]
    made.graph.node.pop()
    made.graph.node.append(head)
    made.graph.initializer.append(numpy_helper.from_array(np.ones(5, np.float32), "five"))
    assert list(OnnxBackend(made).biases) == ["y0"]
