"""The kind of each output by its tail, names, metadata and where its axes come from.

What is expected was decided by hand, row by row: what somebody who exported it would say it is.
"""

from __future__ import annotations

from typing import Any

import pytest

from backends.onnx import OnnxBackend
from cam_core.head import KINDS, WITHOUT, Head
from tests.finding.heads.texts import net

LOGITS = "z = Gemm<transB = 1>(f, v)"
NAMES = {"names": "{0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e'}"}
SERIES = "float[N, 6, 20] x"

# nodes, outputs, other parts of the model -> kind, class axis, what makes a probability
ONE: dict[str, tuple[str, str, dict[str, Any], tuple[str, int | None, str]]] = {
    "softmax": (f"{LOGITS} y = Softmax(z)", "float[N, 5] y", {}, ("classes", 1, "softmax")),
    "argmax": (f"{LOGITS} y = ArgMax<axis = 1>(z)", "int64[N, 1] y", {}, ("classes", 1, "")),
    "sigmoids": (f"{LOGITS} y = Sigmoid(z)", "float[N, 5] y", {}, ("multi-label", 1, "sigmoid")),
    "one sigmoid": (
        "z = Gemm<transB = 1>(f, v1) y = Sigmoid(z)", "float[N, 1] y", {}, ("binary", 1, "sigmoid"),
    ),
    "a sigmoid a row": (
        "i = Constant<value = int64[1] {1}>() z = Gemm<transB = 1>(f, v1) s = Sigmoid(z) "
        "y = Squeeze(s, i)", "float[N] y", {}, ("binary", 1, "sigmoid"),
    ),
    "one number": ("y = Gemm<transB = 1>(f, v1)", "float[N, 1] y", {}, ("regression", 1, "")),
    "a linear layer": ("y = Gemm<transB = 1>(f, v)", "float[N, 5] y", {}, ("classes", 1, "")),
    "names of them": (f"{LOGITS} y = Tanh(z)", "float[N, 5] y", {"metadata": NAMES},
                      ("classes", 1, "")),
    "no names of them": (f"{LOGITS} y = Tanh(z)", "float[N, 5] y", {}, ("embedding", 1, "")),
    "landmarks": ("landmarks = Gemm<transB = 1>(f, v)", "float[N, 5] landmarks", {},
                  ("regression", 1, "")),
    "over its length": (f"{LOGITS} l = ReduceL2<axes = [1]>(z) y = Div(z, l)", "float[N, 5] y", {},
                        ("embedding", 1, "")),
    "a normalisation": (f"{LOGITS} y = LayerNormalization(z, scale)", "float[N, 5] y", {},
                        ("embedding", 1, "")),
    "two heads averaged": (
        f"{LOGITS} b = MatMul(f, m) s = Add(z, b) h = Constant<value = float {{2.0}}>() "
        "y = Div(s, h)", "float[N, 5] y", {}, ("classes", 1, ""),
    ),
    "a mean of stacked heads": (
        f"{LOGITS} b = MatMul(f, m) i = Constant<value = int64[1] {{0}}>() p = Unsqueeze(z, i) "
        "q = Unsqueeze(b, i) s = Concat<axis = 0>(p, q) "
        "y = ReduceMean<axes = [0], keepdims = 0>(s)",
        "float[N, 5] y", {}, ("classes", 1, ""),
    ),
    "a share of the places' own": (
        f"{LOGITS} b = Conv(a, k) "
        "p = ReduceMax<axes = [2, 3], keepdims = 0>(b) h = Constant<value = float {0.5}>() "
        "q = Mul(h, p) y = Add(z, q)", "float[N, 5] y", {}, ("classes", 1, ""),
    ),
    "logits with a temperature": (
        f"{LOGITS} h = Constant<value = float {{0.1}}>() y = Mul(z, h)", "float[N, 5] y", {},
        ("classes", 1, ""),
    ),
    "half of what was normalised": (
        f"{LOGITS} n = LayerNormalization(z, scale) h = Constant<value = float {{2.0}}>() "
        "y = Div(n, h)", "float[N, 5] y", {}, ("embedding", 1, ""),
    ),
    "one over logits": (
        f"{LOGITS} h = Constant<value = float {{1.0}}>() y = Div(h, z)", "float[N, 5] y", {},
        ("embedding", 1, ""),
    ),
    "two means added": (
        "l = ReduceMax<axes = [2, 3], keepdims = 0>(a) y = Add(f, l)", "float[N, 6] y", {},
        ("embedding", 1, ""),
    ),
    "a mean of maps": ("y = Flatten(g)", "float[N, 6] y", {}, ("unknown", 1, "")),
    "softmax at places": ("z = Conv(a, k) y = Softmax<axis = 1>(z)", "float[N, 5, 8, 8] y", {},
                          ("dense classes", 1, "softmax")),
    "channels last": (
        "z = Conv(a, k) t = Transpose<perm = [0, 2, 3, 1]>(z) y = Softmax(t)",
        "float[N, 8, 8, 5] y", {}, ("dense classes", 3, "softmax"),
    ),
    "a mask": ("z = Conv(a, k1) y = Sigmoid(z)", "float[N, 1, 8, 8] y", {},
               ("dense classes", 1, "sigmoid")),
    "linear at places": ("y = Conv(a, k)", "float[N, 5, 8, 8] y", {}, ("dense classes", 1, "")),
    "depth": ("y = Conv(a, k1)", "float[N, 1, 8, 8] y", {}, ("picture", 1, "")),
    "a picture again": ("z = Conv(a, k3) y = Tanh(z)", "float[N, 3, 8, 8] y", {},
                        ("picture", 1, "")),
    "a larger picture": (
        "h = Constant<value_floats = [1.0, 1.0, 2.0, 2.0]>() u = Resize(a, , h) y = Conv(u, k3)",
        "float[N, 3, 16, 16] y", {}, ("picture", 1, ""),
    ),
    "classes of a larger picture": (
        "h = Constant<value_floats = [1.0, 1.0, 2.0, 2.0]>() u = Resize(a, , h) y = Conv(u, k)",
        "float[N, 5, 16, 16] y", {}, ("dense classes", 1, ""),
    ),
    "features": ("y = Identity(a)", "float[N, 6, 8, 8] y", {}, ("unknown", 1, "")),
    "one softmax of all places": ("z = Conv(a, k) y = Softmax<axis = 1>(z)",
                                  "float[N, 5, 8, 8] y", {"opset": 11}, ("dense classes", 1, "")),
    "words": (
        "one = Constant<value = int64[1] {1}>() two = Constant<value = int64[1] {2}>() "
        "t = Cast<to = 1>(words) s = Unsqueeze(t, two) q = MatMul(s, v1) p = Unsqueeze(f, one) "
        "h = Add(q, p) y = MatMul(h, m)",
        "float[N, T, 5] y", {"x": "int64[N, T] words, float[N, 3, 8, 8] x"}, ("caption", 2, ""),
    ),
    "steps": ("t = Transpose<perm = [0, 2, 1]>(x) z = MatMul(t, m) y = LogSoftmax(z)",
              "float[N, 20, 5] y", {"x": SERIES}, ("sequence", 2, "softmax")),
    "a line of a picture": (
        "r = ReduceMean<axes = [2], keepdims = 0>(a) t = Transpose<perm = [2, 0, 1]>(r) "
        "y = MatMul(t, m)", "float[8, N, 5] y", {}, ("sequence", 2, ""),
    ),
    "numbers a step": ("t = Transpose<perm = [0, 2, 1]>(x) y = MatMul(t, m)",
                       "float[N, 20, 5] y", {"x": SERIES}, ("dense classes", 2, "")),
    "one class a step": ("t = Transpose<perm = [0, 2, 1]>(x) z = MatMul(t, m1) y = Sigmoid(z)",
                         "float[N, 20, 1] y", {"x": SERIES}, ("dense classes", 2, "sigmoid")),
    "a number a step": ("t = Transpose<perm = [0, 2, 1]>(x) y = MatMul(t, m1)",
                        "float[N, 20, 1] y", {"x": SERIES}, ("picture", 2, "")),
    "two towers": ("t = Transpose(q) y = MatMul(x, t)", "float[N, M] y",
                   {"x": "float[N, 6] x, float[M, 6] q"}, ("similarity", 1, "softmax")),
}  # fmt: skip


@pytest.mark.parametrize("case", ONE)
def test_what_an_output_is(case: str) -> None:
    nodes, outputs, parts, expected = ONE[case]
    (head,) = OnnxBackend(net(nodes, outputs, **parts)).heads()
    kind, axis, probability = expected
    assert (head.kind, head.probability) == (kind, probability), head.evidence
    assert head.class_axis == axis
    assert head.evidence


def test_every_kind_is_met_here_or_with_boxes() -> None:
    assert {row[3][0] for row in ONE.values()} | {"boxes"} == set(KINDS)
    assert {row[3][0] for row in ONE.values() if row[3][2]} & WITHOUT == set()


SPLIT = "z = Gemm<transB = 1>(f, v)"
SEVERAL: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "the named one, last": (
        "features = Identity(a) embedding = Identity(f) logits = Gemm<transB = 1>(f, v)",
        "float[N, 6, 8, 8] features, float[N, 6] embedding, float[N, 5] logits",
        "logits", {"features": "unknown", "embedding": "embedding", "logits": "classes"},
    ),
    "a softmax before a name": (
        f"{SPLIT} score = Tanh(f) y = Softmax(z)", "float[N, 6] score, float[N, 5] y", "y",
        {"score": "classes", "y": "classes"},
    ),
    "the logits of another": (
        f"{SPLIT} p = Sigmoid(z)", "float[N, 5] z, float[N, 5] p", "z",
        {"z": "multi-label", "p": "multi-label"},
    ),
    "no map before a vector": (
        "m = Conv(a, k1) y = Gemm<transB = 1>(f, v)", "float[N, 1, 8, 8] m, float[N, 5] y", "y",
        {"m": "picture", "y": "regression"},
    ),
    "a state is none": (
        "stateN = Tanh(f) y = Gemm<transB = 1>(f, v1)", "float[N, 6] stateN, float[N, 1] y", "y",
        {"stateN": "unknown", "y": "regression"},
    ),
    "no numbers": (
        "i = Shape(f) y = Gemm<transB = 1>(f, v)", "int64[2] i, float[N, 5] y", "y",
        {"i": "unknown", "y": "regression"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SEVERAL)
def test_of_several_outputs_the_one_with_classes_has_the_score(case: str) -> None:
    nodes, outputs, chosen, kinds = SEVERAL[case]
    heads = OnnxBackend(net(nodes, outputs)).heads()
    assert heads[0].output == chosen
    assert {head.output: head.kind for head in heads} == kinds


@pytest.mark.parametrize("case", SEVERAL)
def test_a_named_output_is_the_score_and_the_others_are_told(case: str) -> None:
    nodes, outputs, _, kinds = SEVERAL[case]
    for name in (name for name in kinds if name != "i"):
        heads = OnnxBackend(net(nodes, outputs), score=name).heads()
        assert heads[0].output == name
        assert sorted(head.output for head in heads) == sorted(kinds)


def test_an_inner_tensor_is_a_head_of_its_own() -> None:
    backend = OnnxBackend(net("z = Gemm<transB = 1>(f, v) y = Softmax(z)", "float[N, 5] y"),
                          score="f")  # fmt: skip
    first, second = backend.heads()
    assert (first.output, first.probability) == ("f", "")
    assert (second.output, second.probability) == ("y", "softmax")
    assert isinstance(first, Head)
