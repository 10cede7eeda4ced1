"""What the gradient at a layer takes: portable operators at ordinary layers, reasons elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx import OnnxBackend, instrument
from backends.onnx.differentiating.coverage import Row, coverage
from backends.onnx.writing.portable import PORTABLE
from cam_core.errors import UnsupportedOpError

FC = {"fw": (5, 8), "fb": (5,)}
STEM = {"w1": (8, 3, 3, 3), "b1": (8,), "w2": (8, 8, 3, 3), "b2": (8,)}
FLAT = {"f1": (6, 128), "g1": (6,), "f2": (5, 6), "g2": (5,)}
TOKENS = {"wp": (8, 3, 4, 4), "cls": (1, 1, 8), "pos": (1, 17, 8), "s": (8,), "b": (8,)}
TOKENS |= dict.fromkeys(("wq", "wk", "wv", "wo", "m1", "m2"), (8, 8)) | {"root": ()}
SHAPES = {"grid": np.array([0, 8, 16]), "tail": np.array([1, 8]), "first": np.array(0)}

HEAD = "p = GlobalAveragePool(map) f = Flatten(p) y = Gemm<transB=1>(f, fw, fb)"
RESIDUAL = f"""c1 = Conv<pads=[1,1,1,1], strides=[2,2]>(x, w1, b1) r1 = Relu(c1)
    m1 = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(r1)
    c2 = Conv<pads=[1,1,1,1]>(m1, w2, b2) sum = Add(c2, m1) map = Relu(sum) {HEAD}"""
VGG = """c1 = Conv<pads=[1,1,1,1], strides=[2,2]>(x, w1, b1) r1 = Relu(c1)
    c2 = Conv<pads=[1,1,1,1]>(r1, w2, b2) map = Relu(c2)
    m = MaxPool<kernel_shape=[2,2], strides=[2,2]>(map)
    f = Flatten(m) h1 = Gemm<transB=1>(f, f1, g1) h2 = Relu(h1) y = Gemm<transB=1>(h2, f2, g2)"""
MOBILE = f"""c1 = Conv<pads=[1,1,1,1], strides=[2,2]>(x, w1, b1) r1 = HardSwish(c1)
    q = GlobalAveragePool(r1) e = HardSigmoid<alpha=0.16666667>(q) g = Mul(r1, e)
    c2 = Conv<pads=[1,1,1,1]>(g, w2, b2) z = Sigmoid(c2) map = Mul(c2, z) {HEAD}"""
VIT = """patch = Conv<strides=[4,4]>(x, wp) flat = Reshape(patch, grid)
    t0 = Transpose<perm=[0,2,1]>(flat) n = Shape<end=1>(x) cn = Concat<axis=0>(n, tail)
    c = Expand(cls, cn) t1 = Concat<axis=1>(c, t0) t2 = Add(t1, pos)
    map = LayerNormalization(t2, s, b) q = MatMul(map, wq) k = MatMul(map, wk) v = MatMul(map, wv)
    kt = Transpose<perm=[0,2,1]>(k) qk = MatMul(q, kt) d = Div(qk, root) a = Softmax<axis=-1>(d)
    o = MatMul(a, v) wo1 = MatMul(o, wo) r = Add(wo1, t2) l = LayerNormalization(r, s, b)
    h = MatMul(l, m1) u = Gelu(h) h2 = MatMul(u, m2) r2 = Add(h2, r)
    last = LayerNormalization(r2, s, b) token = Gather<axis=1>(last, first)
    y = Gemm<transB=1>(token, fw, fb)"""
GAP: dict[str, Any] = STEM | FC
NETS: dict[str, tuple[str, dict[str, Any]]] = {
    "residual": (RESIDUAL, GAP),
    "vgg": (VGG, STEM | FLAT),
    "mobile": (MOBILE, GAP),
    "vit": (VIT, TOKENS | FC | SHAPES),
}
LPPOOL = RESIDUAL.replace("m1 = MaxPool", "m1 = LpPool")


def _model(body: str, weights: dict[str, Any], batch: str = "N") -> onnx.ModelProto:
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["" : 20]> '
        f"g (float[{batch},3,16,16] x) => (float[{batch},5] y) {{ {body} }}"
    )
    rng = np.random.default_rng(1)
    for name, spec in weights.items():
        drawn = None if isinstance(spec, np.ndarray) else rng.uniform(0.1, 1, spec)
        value = spec if drawn is None else np.asarray(drawn, np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    return model


@pytest.mark.parametrize("batch", ["1", "N"])
@pytest.mark.parametrize("net", NETS)
def test_the_default_layer_takes_portable_operators_only(net: str, batch: str) -> None:
    model = _model(*NETS[net], batch)
    found = coverage(model)
    assert found.layer == "map"
    assert found.score == "y"
    assert found.emitted
    assert found.unportable == ()
    assert found.refused == ""
    assert {row.status for row in found.operators} <= {"rule", "composite", "zero"}


@pytest.mark.parametrize("target", ["input", "top:2", 3, "cotangent"])
@pytest.mark.parametrize("net", NETS)
def test_an_instrumented_model_adds_portable_operators_only(net: str, target: Any) -> None:
    model = _model(*NETS[net])
    result = instrument(model, target=target)
    added = list(result.graph.node)[len(model.graph.node) :]
    for node in added:
        assert node.op_type in PORTABLE | ({"TopK"} if target == "top:2" else set()), node.op_type
        assert node.op_type != "MaxPool" or len(node.output) == 1
        assert not any(a.name == "reduction" and a.s != b"none" for a in node.attribute)


def test_operators_are_counted_from_the_layer_on() -> None:
    found = coverage(_model(*NETS["residual"]), layer="r1")
    assert found.operators == (
        Row("", "MaxPool", 1, "rule"),
        Row("", "Conv", 1, "rule"),
        Row("", "Add", 1, "rule"),
        Row("", "Relu", 1, "rule"),
        Row("", "GlobalAveragePool", 1, "rule"),
        Row("", "Flatten", 1, "rule"),
        Row("", "Gemm", 1, "rule"),
    )


def test_what_is_emitted_is_what_is_appended() -> None:
    """The counts are those of a model that outputs the gradient and nothing made of it."""
    model = _model(*NETS["vgg"])
    result = instrument(model, target="cotangent", outputs=["gradients"])
    added = [n.op_type for n in result.graph.node][len(model.graph.node) :]
    added.remove("Identity")  # the promised name
    found = coverage(model)
    assert dict(found.emitted) == {op: added.count(op) for op in added}


def test_composites_are_told_from_operators() -> None:
    body = RESIDUAL.replace("map = Relu(sum)", "z = Sigmoid(sum) map = Mul(sum, z)")
    found = coverage(_model(body, GAP), layer="sum")
    assert Row("cam", "SiLU", 1, "composite", "recognised from its parts") in found.operators


def test_zero_derivatives_are_listed_with_their_reason() -> None:
    body = RESIDUAL.replace("map = Relu(sum)", "up = Greater(sum, c2) map = Where(up, sum, m1)")
    found = coverage(_model(body, GAP), layer="m1")
    assert Row("", "Greater", 1, "zero", "a comparison") in found.operators


@pytest.mark.usefixtures("no_norm_pools")
def test_a_missing_operator_is_listed_with_the_nearest_layer_that_works() -> None:
    found = coverage(_model(LPPOOL, GAP), layer="r1")
    assert Row("", "LpPool", 1, "missing", "a rare pooling, planned") in found.operators
    assert found.nearest_usable == "m1"
    assert not found.emitted
    assert "LpPool" in found.refused


def test_a_refused_form_is_missing_too() -> None:
    body = RESIDUAL.replace("sum = Add(c2, m1)", "d = Dropout(c2, half, yes) sum = Add(d, m1)")
    found = coverage(
        _model(body, GAP | {"half": np.array(0.5, np.float32), "yes": np.array(True)}), "r1"
    )
    missing = [row for row in found.operators if row.status == "missing"]
    assert [row.operator for row in missing] == ["Dropout"]
    assert "training mode" in missing[0].reason
    assert found.nearest_usable == "sum"


@pytest.mark.usefixtures("no_norm_pools")
def test_no_later_layer_works() -> None:
    body = RESIDUAL.replace("p = GlobalAveragePool(map)", "p = GlobalLpPool(map)")
    found = coverage(_model(body, GAP))
    assert found.nearest_usable is None
    assert found.layer == "map"


ERROR = (
    r"^no VJP rule for LpPool \(a rare pooling, planned: node 'm1', output 'm1'\) between {} and "
    r"score 'y'; the nearest later layer that works is 'm1'$"
)


@pytest.mark.usefixtures("no_norm_pools")
def test_instrument_names_operator_node_layer_score_and_cure() -> None:
    with pytest.raises(UnsupportedOpError, match=ERROR.format("layer 'r1'")):
        instrument(_model(LPPOOL, GAP), layer="r1")


@pytest.mark.usefixtures("no_norm_pools")
def test_several_layers_name_the_one_that_fails() -> None:
    with pytest.raises(UnsupportedOpError, match=ERROR.format("layer 'r1'")):
        instrument(_model(LPPOOL, GAP), layer=["map", "r1"])


@pytest.mark.usefixtures("no_norm_pools")
def test_the_backend_names_the_input_that_fails() -> None:
    backend = OnnxBackend(_model(LPPOOL, GAP))
    x = np.zeros((1, 3, 16, 16), np.float32)
    with pytest.raises(
        UnsupportedOpError, match=ERROR.format("input 'x'").replace("'m1'$", "'m1'")
    ):
        backend.capture(x, lambda y, outputs: np.ones_like(y), input_gradients=True)


@pytest.mark.usefixtures("no_norm_pools")
def test_where_nothing_works_the_cure_is_a_rule() -> None:
    body = RESIDUAL.replace("p = GlobalAveragePool(map)", "p = GlobalLpPool(map)")
    with pytest.raises(UnsupportedOpError, match=r"add a rule in backends/onnx/rules/"):
        instrument(_model(body, GAP))
