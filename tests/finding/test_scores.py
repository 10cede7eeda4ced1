"""Where the score is found: before softmaxes, label outputs and whatever views follow them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx import OnnxBackend, instrument
from cam_core.errors import ModelError
from cam_core.explain import explain
from tests.sessions import run

ort = pytest.importorskip("onnxruntime")

BODY = """
    conv = Conv(x, w)
    late = Relu(conv)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    logits = Gemm<transB = 1>(flat, v)
"""


def net(tail: str, outputs: str, body: str = BODY, opset: int = 13) -> onnx.ModelProto:
    model = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : {opset}, "ai.onnx.ml" : 2]>
        net (float[N, 3, 8, 8] x) => ({outputs}) {{ {body} {tail} }}"""
    )
    rng = np.random.default_rng(4)
    for name, shape in {"w": (6, 3, 3, 3), "v": (5, 6), "w4": (5, 6, 1, 1)}.items():
        if any(name in node.input for node in model.graph.node):
            weight = rng.normal(size=shape).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(weight, name))
    return model


ROWS = "shape = Constant<value = int64[2] {-1, 5}>()"
TAILS = [  # name, tail, outputs, activation
    ("none", "y = Identity(logits)", "float[N, 5] y", ""),
    ("softmax", "y = Softmax(logits)", "float[N, 5] y", "Softmax"),
    ("log softmax", "y = LogSoftmax(logits)", "float[N, 5] y", "LogSoftmax"),
    ("sigmoid", "y = Sigmoid(logits)", "float[N, 5] y", "Sigmoid"),
    ("argmax", "y = ArgMax<axis = 1>(logits)", "int64[N, 1] y", ""),
    ("argmax of softmax", "p = Softmax(logits) y = ArgMax<axis = 1, keepdims = 0>(p)",
     "int64[N] y", "Softmax"),
    ("label first", "p = Softmax(logits) y = ArgMax<axis = 1>(p)",
     "int64[N, 1] y, float[N, 5] p", "Softmax"),
    ("top k", "k = Constant<value = int64[1] {2}>() p = Softmax(logits) y, i = TopK(p, k)",
     "float[N, 2] y, int64[N, 2] i", "Softmax"),
    ("reshaped", f"{ROWS} r = Reshape(logits, shape) p = Softmax(r) y = Identity(p)",
     "float[N, 5] y", "Softmax"),
    ("behind views", f"{ROWS} p = Softmax(logits) c = Cast<to = 11>(p) y = Reshape(c, shape)",
     "double[N, 5] y", "Softmax"),
    ("transposed", "p = Softmax(logits) y = Transpose<perm = [1, 0]>(p)", "float[5, N] y",
     "Softmax"),
    ("zip map", "p = Softmax(logits) y = ai.onnx.ml.ZipMap<classlabels_int64s = "
     "[0, 1, 2, 3, 4]>(p)", "seq(map(int64, float)) y", "Softmax"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "tail", "outputs", "activation"), TAILS, ids=[row[0] for row in TAILS]
)
def test_the_logits_are_found(name: str, tail: str, outputs: str, activation: str) -> None:
    model = net(tail, outputs)
    backend = OnnxBackend(model)
    expected = {"none": "y", "reshaped": "r"}.get(name, "logits")
    assert backend.score_name == expected
    assert backend.analysis.score.activation == activation
    assert (backend.default_layer, backend.class_axis) == ("late", 1)


@pytest.mark.parametrize(
    ("name", "tail", "outputs", "activation"), TAILS, ids=[row[0] for row in TAILS]
)
def test_every_tail_gives_the_map_of_the_logits(
    name: str, tail: str, outputs: str, activation: str, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    expected = explain(OnnxBackend(net("y = Identity(logits)", "float[N, 5] y")), x, 3)
    model = net(tail, outputs)
    np.testing.assert_allclose(explain(OnnxBackend(model), x, 3).map, expected.map, rtol=1e-6)
    plain = run(model, x=x)
    made = instrument(model, outputs=["map", "score"])
    found = run(made, x=x, cam_class=np.array([3]))
    np.testing.assert_allclose(found["cam_map"], expected.map, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["cam_score"], expected.score, rtol=1e-6)
    for output, value in plain.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(found[output], value)
        else:
            assert found[output] == value


def test_a_map_of_classes_before_the_pool_is_no_score() -> None:
    body = "late = Conv(x, w) classes = Conv(late, w4) gap = GlobalAveragePool(classes)"
    model = net("y = Softmax<axis = 1>(gap)", "float[N, 5, 1, 1] y", body)
    backend = OnnxBackend(model)
    assert (backend.score_name, backend.class_axis) == ("gap", 1)
    assert backend.default_layer == "late"


@pytest.mark.parametrize(("perm", "axis"), [("", 1), ("perm = [0, 2, 3, 1]", 3)])
def test_the_class_axis_of_a_dense_score(perm: str, axis: int) -> None:
    body = "late = Conv(x, w) classes = Conv(late, w4)"
    last = f"y = Transpose<{perm}>(classes)" if perm else "y = Identity(classes)"
    shape = "float[N, 6, 6, 5] y" if perm else "float[N, 5, 6, 6] y"
    backend = OnnxBackend(net(last, shape, body))
    assert (backend.class_axis, backend.analysis.score.classes) == (axis, 5)


def test_a_score_by_name() -> None:
    model = net("y = Softmax(logits)", "float[N, 5] y")
    for name in ("y", "logits"):  # an output is walked back like one that is found
        backend = OnnxBackend(model, score=name)
        assert (backend.score_name, backend.analysis.score.activation) == ("logits", "Softmax")
    assert OnnxBackend(model, score="flat").heads()[0].tensor == "flat"
    with pytest.raises(ModelError, match=r"did you mean .*logits"):
        OnnxBackend(model, score="logit")
    for name in ("x", "w"):
        with pytest.raises(ModelError, match=f"'{name}' cannot be the score: .*input or a weight"):
            OnnxBackend(model, score=name)
    with pytest.raises(ModelError, match="holds int64"):
        OnnxBackend(net("i = Cast<to = 7>(logits) y = Add(i, i)", "int64[N, 5] y"), score="i")


def test_the_softmax_itself_may_be_the_score(rng: np.random.Generator) -> None:
    """Its derivative is p_c (1[j = c] - p_j)."""
    x = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
    model = net("p = Softmax(logits) e = Neg(p) y = Neg(e)", "float[N, 5] y")
    target: Any = lambda y, _: np.eye(5, dtype=np.float32)[[2]]  # noqa: E731
    (capture,) = OnnxBackend(model, score="p").capture(x, target)
    p = capture.logits[0].astype(np.float64)
    v = numpy_helper.to_array(model.graph.initializer[1])
    expected = (p[2] * ((np.arange(5) == 2) - p)) @ v / 36
    np.testing.assert_allclose(capture.gradients[0, :, 0, 0], expected, rtol=1e-4, atol=1e-9)


STANDING = ("softmax", "log softmax", "sigmoid", "top k", "reshaped", "behind views", "transposed")


@pytest.mark.parametrize(
    ("tail", "outputs"), [row[1:3] for row in TAILS if row[0] in STANDING], ids=STANDING
)
def test_an_output_as_it_stands(tail: str, outputs: str, rng: np.random.Generator) -> None:
    """Its own numbers, with its rows first, where the one that is found is the logits."""
    backend, x = OnnxBackend(net(tail, outputs)), rng.normal(size=(2, 3, 8, 8))
    other = backend.scored("y")
    assert backend.scored("y") is other
    y = backend.forward(x.astype(np.float32))["y"]
    found = other.look(x.astype(np.float32), layers=("late",))
    np.testing.assert_allclose(found.score, y.T if outputs.startswith("float[5, N]") else y)
    assert found.activations["late"].shape == (2, 6, 6, 6)
    again = OnnxBackend(other.analysis, score="y")  # a name alone is walked back as ever
    assert (again.score_name, OnnxBackend(other.analysis).score_name) == (
        backend.score_name,
        other.score_name,
    )
    with pytest.raises(ModelError, match="'z' cannot be the score: the model has no such tensor"):
        backend.scored("z")


def test_the_classes_of_a_dense_output_are_where_they_were() -> None:
    tail = "z = Conv(late, w4) y = Sigmoid(z)"
    dense = net(tail, "float[N, 5, 6, 6] y", "conv = Conv(x, w) late = Relu(conv)")
    assert OnnxBackend(dense).scored("y").class_axis == 1
    turned = net(
        f"{tail.replace('y =', 's =')} y = Transpose<perm = [2, 3, 1, 0]>(s)",
        "float[6, 6, 5, N] y",
        "conv = Conv(x, w) late = Relu(conv)",
    )
    other = OnnxBackend(turned).scored("y")
    assert (other.analysis.score.tensor.shape[1:], other.class_axis) == ((6, 6, 5), 3)


REFUSED = [  # name, tail, outputs, words
    ("integers only", "big = Constant<value = float {1000}>() s = Mul(logits, big) "
     "y = Cast<to = 7>(s) i = Add(y, y)", "int64[N, 5] i", "'i' is no floating point score"),
    ("a number", "y = ReduceSum<keepdims = 0>(logits)", "float y", "--score"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "tail", "outputs", "words"), REFUSED, ids=[row[0] for row in REFUSED]
)
def test_what_is_no_score_is_refused(name: str, tail: str, outputs: str, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        OnnxBackend(net(tail, outputs))
    assert "\n" not in str(caught.value)


def test_before_an_output_of_strings_stands_the_score() -> None:
    """A label encoder reads the class of an ArgMax."""
    tail = """i = ArgMax<axis = 1, keepdims = 0>(logits)
        y = ai.onnx.ml.LabelEncoder<keys_int64s = [0, 1, 2, 3, 4],
                                    values_strings = ["a", "b", "c", "d", "e"]>(i)"""
    model = net(tail, "string[N] y")
    backend = OnnxBackend(model)
    assert backend.score_name == "logits"
    x = np.zeros((1, 3, 8, 8), np.float32)
    assert backend.forward(x)["y"].tolist()[0] in "abcde"
    assert explain(backend, x, 1).map.shape == (1, 6, 6)
    graph = model.graph
    graph.output.append(helper.make_tensor_value_info("logits", 1, ["N", 5]))
    assert OnnxBackend(model).score_name == "logits"


@pytest.mark.parametrize("classes", [1, 2])
def test_of_scores_at_steps_the_last_axis_are_the_classes(
    classes: int, rng: np.random.Generator
) -> None:
    """[N, L, C], though C be 1: Y is the sum over the steps."""
    model = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 17]>
        net (float[N, 3, 10] x) => (float[N, 10, {classes}] p) {{
            c = Conv<pads = [1, 1]>(x, w)  r = Relu(c)  t = Transpose<perm = [0, 2, 1]>(r)
            y = MatMul(t, v)  p = Sigmoid(y) }}"""
    )
    w, v = (rng.normal(size=s).astype(np.float32) for s in ((4, 3, 3), (4, classes)))
    model.graph.initializer.extend(map(numpy_helper.from_array, (w, v), "wv"))
    x = (rng.normal(size=(1, 3, 10)) / 8).astype(np.float32)  # no sigmoid is quite 1
    found = run(instrument(model, target=0, outputs=["score", "gradients"]), x=x)
    p = found["p"][0, :, 0].astype(np.float64)
    np.testing.assert_allclose(found["cam_score"], [np.log(p / (1 - p)).sum()], rtol=1e-3)
    expected = np.repeat(v[:, :1], 10, axis=1)
    np.testing.assert_allclose(found["cam_gradients"][0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("tail", "outputs"), [row[1:3] for row in TAILS], ids=[row[0] for row in TAILS]
)
def test_an_exact_score_is_the_output_itself(
    tail: str, outputs: str, rng: np.random.Generator
) -> None:
    """No logits before it, its axes as they are: what a later file reads."""
    backend = OnnxBackend(net(tail, outputs))
    x = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    for name, expected in backend.forward(x).items():
        if expected.dtype.kind == "f":
            look = backend.with_score(name).look(x, layers=())
            np.testing.assert_array_equal(look.score, expected)
