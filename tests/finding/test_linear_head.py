"""The weights of a head of a mean and one product, however it is written; anything else refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from cam_core.errors import LayerError

C, K = 3, 4
W = np.random.default_rng(2).normal(size=(C, K)).astype(np.float32)
B = np.random.default_rng(3).normal(size=C).astype(np.float32)
PLAIN = "float[N, 4, 2, 5] x"
POOL = "g = GlobalAveragePool(a) f = Flatten(g)"
HEADS = {  # the rest of the network after a = Relu(x), the input, and the weights as it has them
    "gemm": (f"{POOL} y = Gemm<transB = 1>(f, w, b)", PLAIN, W),
    "gemm, weights turned": (f"{POOL} y = Gemm(f, w, b)", PLAIN, W.T),
    "gemm with a factor": (f"{POOL} y = Gemm<transB = 1, alpha = 2.0>(f, w, b)", PLAIN, W / 2),
    "matmul and a bias": (f"{POOL} m = MatMul(f, w) y = Add(b, m)", PLAIN, W.T),
    "matmul of a transpose": (
        f"{POOL} t = Transpose<perm = [1, 0]>(w) m = MatMul(f, t) y = Add(m, b)",
        PLAIN,
        W,
    ),
    "mean": (
        "f = ReduceMean<axes = [2, 3], keepdims = 0>(a) y = Gemm<transB = 1>(f, w, b)",
        PLAIN,
        W,
    ),
    "mean, axes from the end": (
        "g = ReduceMean<axes = [-1, -2]>(a) f = Flatten(g) y = Gemm<transB = 1>(f, w, b)",
        PLAIN,
        W,
    ),
    "pool of all": (
        "g = AveragePool<kernel_shape = [2, 5]>(a) f = Flatten(g) y = Gemm<transB = 1>(f, w, b)",
        PLAIN,
        W,
    ),
    "channels last": (
        "t = Transpose<perm = [0, 2, 3, 1]>(a) f = ReduceMean<axes = [1, 2], keepdims = 0>(t)"
        " y = Gemm<transB = 1>(f, w, b)",
        PLAIN,
        W,
    ),
    "convolution of one cell": (
        "g = GlobalAveragePool(a) c = Conv<kernel_shape = [1, 1]>(g, w, b) y = Flatten(c)",
        PLAIN,
        W[:, :, None, None],
    ),
    "a flattening that asks for the shape": (
        "s = Shape(a) r = Slice(s, zero, one) e = Concat<axis = 0>(r, minus)"
        " g = GlobalAveragePool(a) f = Reshape(g, e) y = Gemm<transB = 1>(f, w, b)",
        PLAIN,
        W,
    ),
    "softmax behind": (f"{POOL} z = Gemm<transB = 1>(f, w, b) y = Softmax<axis = 1>(z)", PLAIN, W),
}
OTHERS = {
    "two layers": (f"{POOL} h = Gemm<transB = 1>(f, w, b) y = Relu(h)", "Relu '' follows"),
    "a norm between": (
        "n = Tanh(a) g = GlobalAveragePool(n) f = Flatten(g) y = Gemm<transB = 1>(f, w, b)",
        "Tanh '' is no mean over all of space",
    ),
    "a part of space": (
        "g = ReduceMean<axes = [2]>(a) m = ReduceMax<axes = [3]>(g) f = Flatten(m)"
        " y = Gemm<transB = 1>(f, w, b)",
        "ReduceMean '' is no mean over all of space",
    ),
    "the largest": (
        "g = GlobalMaxPool(a) f = Flatten(g) y = Gemm<transB = 1>(f, w, b)",
        "GlobalMaxPool '' is no mean",
    ),
    "no linear layer": (f"{POOL} y = Sigmoid(f)", "no linear layer follows"),
    "a root before it": (
        f"{POOL} r = Sqrt(f) y = Gemm<transB = 1>(r, w, b)",
        "Sqrt '' is no linear layer with weights",
    ),
    "weights that are computed": (
        f"{POOL} v = Mul(w, f) y = Gemm<transB = 1>(f, v, b)",
        "is read by 2 operators",
    ),
}


def backend(rest: str, taken: str = PLAIN, weight: Any = W) -> OnnxBackend:
    """a = Relu(x), and the rest."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 13]> net '
        f"({taken}) => (float[N, 3] y) {{ a = Relu(x) {rest} }}"
    )
    held = {"w": weight, "b": B}
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(v, np.float32), n)
        for n, v in held.items()
        if n in used
    )
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array([v]), n)
        for n, v in {"zero": 0, "one": 1, "minus": -1}.items()
        if n in used
    )
    return OnnxBackend(model)


@pytest.mark.parametrize("name", HEADS)
def test_the_weights_are_those_of_the_file(name: str) -> None:
    rest, taken, weight = HEADS[name]
    np.testing.assert_allclose(backend(rest, taken, weight).head_weights("a"), W, rtol=1e-6)


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_head_is_refused(name: str) -> None:
    rest, why = OTHERS[name]
    weight = W[:1] if name == "weights that are computed" else W
    opened = backend(rest, PLAIN, weight)
    with pytest.raises(LayerError) as caught:
        opened.head_weights("a")
    said = str(caught.value)
    assert said.startswith("layer 'a' has no head of a mean over space and one linear layer: ")
    assert why in said
    assert "\n" not in said
