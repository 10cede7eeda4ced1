"""Tails against loops of single rows, and how often a session runs for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from cam_core import explain_all
from cam_core.cli.group import gradcam
from cam_core.errors import LayerError, UnsupportedOpError

ort = pytest.importorskip("onnxruntime")

NET = """<ir_version: 8, opset_import: ["" : 17]>
net (float[{batch}, 3, 6, 6] x) => (float[{batch}, 5] y) {{
    c = Conv<pads = [1, 1, 1, 1]>(x, w)
    a = Relu(c)
    d = Conv<pads = [1, 1, 1, 1]>(a, v)
    {after}
    g = GlobalAveragePool(s)
    f = Flatten(g)
    y = Gemm<transB = 1>(f, h)
}}"""
PLAIN, SKIP = "s = Tanh(d)", "t = Tanh(d)  s = Add(t, a)"
SHAPES = {"w": (4, 3, 3, 3), "v": (4, 4, 3, 3), "h": (5, 4)}


def weighted(text: str, shapes: dict[str, tuple[int, ...]]) -> onnx.ModelProto:
    model, rng = onnx.parser.parse_model(text), np.random.default_rng(5)
    for name, shape in shapes.items():
        value = 0.5 * rng.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


def net(batch: str = "N", after: str = PLAIN) -> onnx.ModelProto:
    return weighted(NET.format(batch=batch, after=after), SHAPES)


def images(count: int) -> Any:
    return np.random.default_rng(2).normal(size=(count, 3, 6, 6)).astype(np.float32)


def drawn(shape: tuple[int, ...], blocks: int) -> Any:
    rng = np.random.default_rng(6)
    return rng.normal(size=(blocks * shape[0], *shape[1:])).astype(np.float32)


def run(model: onnx.ModelProto, feed: dict[str, Any], name: str) -> Any:
    """One output, or a tensor made one, without the optimiser."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if name not in [o.name for o in copy.graph.output]:
        copy.graph.output.add(name=name)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(
        copy.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run([name], feed)[0]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The sessions that are opened, as they are; they are kept, so that no id comes twice."""
    sessions: list[Any] = []

    class Session(ort.InferenceSession):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.runs = 0
            sessions.append(self)

        def run(self, *args: Any, **options: Any) -> Any:
            self.runs += 1
            return super().run(*args, **options)

        def run_with_iobinding(self, *args: Any, **options: Any) -> Any:
            self.runs += 1
            return super().run_with_iobinding(*args, **options)

    monkeypatch.setattr(ort, "InferenceSession", Session)
    return sessions


def runs(sessions: list[Any]) -> list[int]:
    return sorted(session.runs for session in sessions)


def test_ten_tails_are_one_forward_pass_and_ten_runs(opened: list[Any]) -> None:
    look = OnnxBackend(net()).look(images(2), layers=["a"])
    tail = look.tail("a")
    for i in range(10):
        tail(look.activations["a"] * np.float32(i))
    assert runs(opened) == [1, 10]


def test_what_bypasses_the_layer_is_run_once_a_look(opened: list[Any]) -> None:
    backend = OnnxBackend(net(after=SKIP))
    look = backend.look(images(2), layers=["t"])
    for _ in range(2):
        tail = look.tail("t")
        for _ in range(5):
            tail(look.activations["t"])
    assert runs(opened) == [1, 1, 10]
    backend.look(images(1), layers=["t"]).tail("t")(look.activations["t"][:1])
    assert runs(opened) == [2, 2, 11]


def test_a_pull_that_reads_the_bypass_saves_its_run(opened: list[Any]) -> None:
    text = NET.replace("g = GlobalAveragePool(s)", "z = Mul(s, s)\n    g = GlobalAveragePool(z)")
    model = weighted(text.format(batch="N", after="t = Tanh(d)  s = Mul(t, a)"), SHAPES)
    look = OnnxBackend(model).look(images(2), layers=["t"])
    look.tail("t")(look.activations["t"])
    assert runs(opened) == [1, 1]


@pytest.mark.parametrize(
    ("batch", "rows", "expected"), [("N", 2, 1), ("1", 2, 6), ("2", 2, 3), ("1", 1, 3)]
)
@pytest.mark.parametrize(("layer", "after"), [("a", PLAIN), ("t", SKIP)], ids=["plain", "skip"])
def test_blocks_are_as_many_single_rows(
    batch: str, rows: int, expected: int, layer: str, after: str, opened: list[Any]
) -> None:
    x = images(rows)
    look = OnnxBackend(net(batch, after)).look(x, layers=[layer])
    tail, A = look.tail(layer), drawn(look.activations[layer].shape, 3)
    before = sum(runs(opened))
    found = tail(A)
    assert sum(runs(opened)) - before == expected
    single = OnnxBackend(net("N", after))
    for i, row in enumerate(found):
        alone = single.look(x[i % rows :][:1], layers=[layer]).tail(layer)
        np.testing.assert_allclose(row, alone(A[i : i + 1])[0], rtol=1e-5, atol=1e-6)


def test_the_tail_of_a_skip_is_the_formula() -> None:
    model, x = net(after=SKIP), images(2)
    look = OnnxBackend(model).look(x, layers=["t"])
    A = drawn(look.activations["t"].shape, 2)
    own = run(model, {"x": x}, "a")
    h = numpy_helper.to_array(model.graph.initializer[2])
    expected = (A + np.concatenate([own, own])).mean((2, 3)) @ h.T
    np.testing.assert_allclose(look.tail("t")(A), expected, rtol=1e-5, atol=1e-6)


def test_extents_of_other_names_are_not_taken_for_rows(opened: list[Any]) -> None:
    model = weighted(
        """<ir_version: 8, opset_import: ["" : 17]>
        net (float[N, 3, 6, 6] x, float[M, 4] z) => (float[N, 4] y) {
            c = Conv<pads = [1, 1, 1, 1]>(x, w)
            a = Tanh(c)
            g = GlobalAveragePool(a)
            f = Flatten(g)
            r = ReduceSum<keepdims = 1>(z, axis)
            y = Mul(f, r)
        }""",
        {"w": (4, 3, 3, 3)},
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "axis"))
    z = np.random.default_rng(1).normal(size=(2, 4)).astype(np.float32)
    look = OnnxBackend(model, score="y").look({"x": images(2), "z": z}, layers=["a"])
    A = drawn(look.activations["a"].shape, 3)
    expected = A.mean((2, 3)) * z.sum(0)
    np.testing.assert_allclose(look.tail("a")(A), expected, rtol=1e-5, atol=1e-6)


QUANTISED = """<ir_version: 8, opset_import: ["" : 17]>
net (float[{batch}, 2, 4, 4] x) => (float[{batch}, 2] y)
<float s = {{0.05}}, uint8 z = {{120}}, float sw = {{0.02}}, int8 zw = {{0}}> {{
    q = QuantizeLinear(x, s, z)
    a = QLinearConv(q, s, z, w, sw, zw, s, z)
    b = QLinearConv(a, s, z, w, sw, zw, s, z)
    m = MaxPool<kernel_shape = [1, 1]>(b)
    d = DequantizeLinear(m, s, z)
    g = GlobalAveragePool(d)
    y = Flatten(g)
}}"""


@pytest.mark.parametrize("batch", ["N", "1", "3"])
def test_an_integer_layer_is_quantised_in_its_own_units(batch: str) -> None:
    model = onnx.parser.parse_model(QUANTISED.format(batch=batch))
    w = np.array([[[[40]], [[-25]]], [[[10]], [[50]]]], np.int8)
    model.graph.initializer.append(numpy_helper.from_array(w, "w"))
    x = np.random.default_rng(0).normal(size=(3, 2, 4, 4)).astype(np.float32)
    look = OnnxBackend(model).look(x, layers=["a"])
    A = drawn(look.activations["a"].shape, 2)
    whole = np.clip(np.rint(A / np.float32(0.05)), -120, 135)
    mixed = np.einsum("kc,nchw->nkhw", w[:, :, 0, 0] * 0.02, whole)
    expected = np.clip(np.rint(mixed), -120, 135).mean((2, 3)) * 0.05
    np.testing.assert_allclose(look.tail("a")(A), expected, atol=0.05 / 16 * 2.5)


def test_a_layer_that_a_body_reads(opened: list[Any]) -> None:
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        net (float[N, 2, 4, 4] x, bool[1] twice) => (float[N, 2] y) {
            p = MaxPool<kernel_shape = [1, 1]>(x)
            a = Tanh(p)
            one = Squeeze(twice)
            b = If (one) <
                then_branch = g () => (float[N, 2, 4, 4] u) { u = Add(a, a) },
                else_branch = h () => (float[N, 2, 4, 4] v) { v = Identity(a) }
            >
            m = GlobalAveragePool(b)
            y = Flatten(m)
        }"""
    )
    x = np.random.default_rng(0).normal(size=(2, 2, 4, 4)).astype(np.float32)
    for twice in (True, False):
        look = OnnxBackend(model).look({"x": x, "twice": np.array([twice])}, layers=["a"])
        A = drawn(look.activations["a"].shape, 2)
        expected = A.mean((2, 3)) * (2 if twice else 1)
        np.testing.assert_allclose(look.tail("a")(A), expected, rtol=1e-5, atol=1e-6)


def test_a_sequence_round_the_layer_is_made_anew() -> None:
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        net (float[N, 2, 4, 4] x) => (float[N, 2] y) <int64 at = {0}> {
            p = MaxPool<kernel_shape = [1, 1]>(x)
            e = Neg(p)
            kept = SequenceConstruct(e, p)
            a = Tanh(p)
            back = SequenceAt(kept, at)
            b = Add(a, back)
            m = GlobalAveragePool(b)
            y = Flatten(m)
        }"""
    )
    x = np.random.default_rng(0).normal(size=(2, 2, 4, 4)).astype(np.float32)
    look = OnnxBackend(model).look(x, layers=["a"])
    A = drawn(look.activations["a"].shape, 2)
    expected = (A - np.concatenate([x, x])).mean((2, 3))
    np.testing.assert_allclose(look.tail("a")(A), expected, rtol=1e-5, atol=1e-6)


def test_a_file_in_no_order() -> None:
    model, x = net(after=SKIP), images(2)
    other = onnx.ModelProto()
    other.CopyFrom(model)
    del other.graph.node[:]
    other.graph.node.extend(reversed(model.graph.node))
    (found, expected) = (OnnxBackend(m).look(x, layers=["t"]) for m in (other, model))
    A = drawn(expected.activations["t"].shape, 2)
    np.testing.assert_allclose(found.tail("t")(A), expected.tail("t")(A), rtol=1e-6)


def test_a_layer_goes_by_the_name_it_was_asked_by() -> None:
    model = net()
    model.graph.node[1].name = "relu"
    look = OnnxBackend(model).look(images(1), layers=["relu", 0])
    assert look.layers == ["a", "c"]
    A = look.activations["a"]
    for name in ("relu", "a"):
        np.testing.assert_array_equal(look.tail(name)(A), look.tail("a")(A))
    np.testing.assert_allclose(look.tail(0)(look.activations["c"]), look.score, rtol=1e-5)
    with pytest.raises(LayerError, match="'d' was not looked at; there are a, c"):
        look.tail("d")


@pytest.mark.usefixtures("no_norm_pools")
def test_a_tail_needs_no_derivative() -> None:
    model = net(after="s = LpPool<kernel_shape = [2, 2]>(d)")
    look = OnnxBackend(model).look(images(2), layers=["a"])
    np.testing.assert_allclose(look.tail("a")(look.activations["a"]), look.score, rtol=1e-5)
    for _ in range(2):
        with pytest.raises(UnsupportedOpError, match="LpPool"):
            look.pull(lambda y, _: y)


def test_check_runs_the_tail_alone(opened: list[Any], tmp_path: Path) -> None:
    """Y itself, 6 to see how it is rounded, and to both sides in 3 directions 3 to 6 steps each."""
    onnx.save(net(), tmp_path / "net.onnx")
    arguments = ["check", str(tmp_path / "net.onnx"), "--numeric", "--layer", "a", "--no-verify"]
    assert CliRunner().invoke(gradcam, arguments).exit_code == 0
    *halves, tail = sorted(runs(opened))
    assert halves == [1, 1]
    assert 1 + 6 + 3 * 2 * 3 <= tail <= 1 + 6 + 3 * 2 * 6


def test_who_runs_the_model_is_known_without_another_session(opened: list[Any]) -> None:
    backend = OnnxBackend(net())
    explain_all(backend, images(1))
    assert backend.provider == "CPUExecutionProvider"
    assert len(opened) == 2


def test_a_score_alone_is_of_the_plain_model(opened: list[Any]) -> None:
    backend = OnnxBackend(net())
    look = backend.look(images(1), layers=())
    np.testing.assert_array_equal(look.score, backend.forward(images(1))["y"])
    assert runs(opened) == [2]


def test_no_rows_at_all() -> None:
    look = OnnxBackend(net()).look(images(0), layers=["a"])
    assert look.tail("a")(look.activations["a"]).shape == (0, 5)
