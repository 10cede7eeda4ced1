"""Scores whose rows are not first: each row's score and map are its own, outside and in the file.

Every expected number is of one row that was run alone, or of the file's own output.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx import OnnxBackend, instrument
from backends.onnx.finding.heads.extra import own_name
from cam_core.errors import ModelError
from cam_core.explain import explain
from tests.finding.heads.texts import net
from tests.sessions import run

pytest.importorskip("onnxruntime")

# [T, N, C] of a text reader: the width is time, and rows stand beside it
STEPS = """h = ReduceMean<axes = [2], keepdims = 0>(a)  t = Transpose<perm = [2, 0, 1]>(h)
    z = MatMul(t, m)"""
NUMBER = """i = Constant<value = int64[1] {1}>()  z = Gemm<transB = 1>(f, v1)"""
# nodes, outputs, the score's shape with two rows, where the classes are
TURNED: dict[str, tuple[str, str, tuple[int, ...], int]] = {
    "time first": (f"{STEPS} y = LogSoftmax(z)", "float[T, N, 5] y", (2, 8, 5), 2),
    "one number a row": (f"{NUMBER} y = Squeeze(z, i)", "float[N] y", (2, 1), 1),
}


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("case", TURNED)
def test_rows_come_first(case: str, opset: int, rng: np.random.Generator) -> None:
    nodes, outputs, shape, axis = TURNED[case]
    if opset < 13 and case == "one number a row":
        nodes = nodes.replace("Squeeze(z, i)", "Squeeze<axes = [1]>(z)")
    source = net(nodes, outputs, opset=opset)
    x = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    backend = OnnxBackend(source)
    assert (backend.default_layer, backend.class_axis) == ("a", axis)
    look = backend.look(x)
    assert look.score.shape == shape
    both = explain(backend, x, 0)
    for row in range(2):
        alone = explain(backend, x[row : row + 1], 0)
        np.testing.assert_allclose(both.map[row], alone.map[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(both.score[row], alone.score[0], rtol=1e-4)
    made = instrument(source, target=0, outputs=["map", "score"])
    inside = run(made, x=x)
    np.testing.assert_allclose(inside["cam_map"], both.map, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(inside["cam_score"], both.score, rtol=1e-4)
    np.testing.assert_array_equal(inside["y"], run(source, x=x)["y"])
    np.testing.assert_allclose(look.tail("a")(look.activations["a"]), look.score, rtol=1e-5)


def test_the_score_of_time_first_is_the_sum_over_its_steps(rng: np.random.Generator) -> None:
    nodes, outputs, *_ = TURNED["time first"]
    x = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    y = run(net(STEPS.replace("z = MatMul", "y = MatMul"), outputs), x=x)["y"]
    found = explain(OnnxBackend(net(nodes, outputs)), x, 3)
    np.testing.assert_allclose(found.score, y[:, :, 3].sum(axis=0), rtol=1e-5)


def test_a_number_a_row_is_explained_by_its_own_gradient(rng: np.random.Generator) -> None:
    source = net(f"{NUMBER} s = Squeeze(z, i) y = Sigmoid(s)", "float[N] y")
    x = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    y = run(source, x=x)["y"]
    backend = OnnxBackend(source)
    assert [(h.kind, h.probability) for h in backend.heads()] == [("binary", "sigmoid")]
    np.testing.assert_allclose(explain(backend, x, "prob:0").score, y, rtol=1e-5)
    v1 = onnx.numpy_helper.to_array(source.graph.initializer[1])
    (capture,) = backend.capture(x, lambda y, _: np.ones_like(y))
    expected = np.broadcast_to(v1.reshape(6, 1, 1) / 64, (6, 8, 8))
    np.testing.assert_allclose(capture.gradients[0], expected, rtol=1e-5)


def test_classes_without_a_batch_are_one_row(rng: np.random.Generator) -> None:
    nodes = "i = Constant<value = int64[1] {0}>() z = Gemm<transB = 1>(f, v) y = Squeeze(z, i)"
    x = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
    source = net(nodes, "float[5] y", x="float[1, 3, 8, 8] x")
    backend = OnnxBackend(source)
    assert (backend.classes, backend.class_axis) == (5, 1)
    y = run(source, x=x)["y"]
    np.testing.assert_allclose(explain(backend, x, 4).score, y[4:], rtol=1e-5)


def test_what_was_added_has_the_name_of_what_it_reads() -> None:
    for name in ("cam.rows.y", "cam.classes.y", "cam.rows.cam.y", "cam.y", "y"):
        assert own_name(name) == "y"


def test_a_score_is_named_as_it_is_printed(rng: np.random.Generator) -> None:
    source = net(*TURNED["one number a row"][:2])
    again = OnnxBackend(source, score=OnnxBackend(source).score_name)
    assert again.score_name == OnnxBackend(source).score_name


def test_what_counts_no_rows_is_one_row() -> None:
    """Before opset 13 if its extents are known."""
    text = """<ir_version: 8, opset_import: ["" : OPSET]>
    loose (float[1, 3, H, W] x) => (float[1, 3] y, float[H, W] z) {
        g = GlobalAveragePool(x) y = Flatten(g)
        t = Transpose<perm = [2, 3, 0, 1]>(x) z = ReduceMean<axes = [2, 3], keepdims = 0>(t)
    }"""
    old, new = (onnx.parser.parse_model(text.replace("OPSET", n)) for n in ("12", "17"))
    x = np.arange(36, dtype=np.float32).reshape(1, 3, 3, 4)
    found = OnnxBackend(new).scored("z").look(x, layers=()).score
    np.testing.assert_allclose(found, [x[0].mean(axis=0)])
    with pytest.raises(ModelError, match=r"output 'z' .* counts no rows of an input.*--static"):
        OnnxBackend(old).scored("z")
