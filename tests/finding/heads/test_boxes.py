"""Detectors: classes are those of the file's names, and boxes are none.

Expected scores come from the file's own outputs, expected gradients from the weights by hand: each
score is linear in the layer.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from backends.onnx import OnnxBackend, instrument
from cam_core.explain import explain, suited
from tests.commands.calls import call
from tests.finding.heads.texts import net
from tests.sessions import run

pytest.importorskip("onnxruntime")

NAMES = {"names": "{0: 'person', 1: 'car', 2: 'dog'}"}
ROW = """four = Constant<value = int64[3] {0, 4, -1}>()
    three = Constant<value = int64[3] {0, 3, -1}>()"""
ONE = "one = Constant<value = int64[3] {0, 1, -1}>()"
PARTS = f"""{ROW} {ONE}
    b = Conv(a, k4)  s = Sigmoid(b)  stride = Constant<value = float {{8}}>()  t = Mul(s, stride)
    u = Conv(a, k3)  o = Conv(a, k1)
    boxes = Reshape(t, four)  classes = Reshape(u, three)  objects = Reshape(o, one)
    p = Sigmoid(classes)  q = Sigmoid(objects)"""
TURNED = "y = Transpose<perm = [0, 2, 1]>(all)"
OTHER = "all = Concat<axis = 1>(boxes, p)"
# nodes after the parts, shape, metadata -> axis of the classes, the first, their probability
LAYOUTS: dict[str, tuple[str, str, dict[str, str], int, int, str]] = {
    "4 + K, A": ("y = Concat<axis = 1>(boxes, p)", "N, 7, 64", NAMES, 1, 4, "sigmoid"),
    "4 + K, A, no names": ("y = Concat<axis = 1>(boxes, p)", "N, 7, 64", {}, 1, 4, "sigmoid"),
    "5 + K, A": ("y = Concat<axis = 1>(boxes, q, p)", "N, 8, 64", NAMES, 1, 5, "exp"),
    "A, 4 + K": (f"all = Concat<axis = 1>(boxes, p) {TURNED}", "N, 64, 7", NAMES, 2, 4, "sigmoid"),
    "A, 5 + K": (f"all = Concat<axis = 1>(boxes, q, p) {TURNED}", "N, 64, 8", NAMES, 2, 5,
                 "exp"),
}  # fmt: skip


def model(layout: str, opset: int = 17) -> onnx.ModelProto:
    nodes, shape, metadata, *_ = LAYOUTS[layout]
    return net(f"{PARTS} {nodes}", f"float[{shape}] y", metadata=metadata, opset=opset)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_score_is_that_of_the_classes_alone(layout: str, rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    *_, axis, start, how = LAYOUTS[layout]
    backend = OnnxBackend(model(layout))
    (head,) = backend.heads()
    assert (head.kind, backend.classes, head.probability) == ("boxes", 3, how)
    assert "3 classes" in head.evidence
    y = np.moveaxis(run(model(layout), x=x)["y"].astype(np.float64), axis, 1)[:, start:]
    given = np.moveaxis(run(model(layout), x=x)["y"].astype(np.float64), axis, 1)
    for c in range(3):
        found = explain(backend, x, f"{c}@anchor:9", layer="a").score
        if start == 5:
            expected = np.log(given[:, 4, 9] * y[:, c, 9])
            np.testing.assert_allclose(found, expected, rtol=1e-4)
        else:
            np.testing.assert_allclose(1 / (1 + np.exp(-found)), y[:, c, 9], rtol=1e-5)


def at(place: int, row: np.ndarray) -> np.ndarray:
    """dY/da [6, 8, 8] of a number that is linear in the layer at one place."""
    found = np.zeros((6, 64), np.float32)
    found[:, place] = row
    return found.reshape(6, 8, 8)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if "4 + K" in name])
def test_the_gradient_is_that_of_the_classes(layout: str, rng: np.random.Generator) -> None:
    """From outside and inside the file, against weights read by hand.

    dY/da of logits is one row of k3; of log o + log p it is (1 - o) k1 + (1 - p) k3.
    """
    x = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
    source = model(layout)
    weights = {t.name: numpy_helper.to_array(t) for t in source.graph.initializer}
    backend, expected = OnnxBackend(source), at(9, weights["k3"][1].ravel())
    (target,) = suited(backend, ["1@anchor:9"])
    (capture,) = backend.capture(x, target, layers=["a"])
    np.testing.assert_allclose(capture.gradients[0], expected, rtol=1e-5, atol=1e-7)
    made = instrument(source, layer="a", target="1@anchor:9", outputs=["gradients"])
    np.testing.assert_allclose(run(made, x=x)["cam_gradients"][0], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("opset", [10, 11, 13, 17])
def test_classes_inside_one_tensor_are_cut_out(opset: int, rng: np.random.Generator) -> None:
    """What stands before a common Mul has no tensor of its own: the scores are slices of it."""
    x = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
    nodes = f"{PARTS} {OTHER} half = Constant<value = float {{0.5}}>() y = Mul(all, half)"
    source = net(nodes, "float[N, 7, 64] y", metadata=NAMES, opset=opset)
    backend = OnnxBackend(source)
    assert (backend.classes, backend.heads()[0].kind, backend.class_axis) == (3, "boxes", 1)
    weights = {t.name: numpy_helper.to_array(t) for t in source.graph.initializer}
    y = run(source, x=x)["y"].astype(np.float64)
    expected = at(9, (1 - 2 * y[0, 6, 9]) * weights["k3"][2].ravel())  # of log(p / 2)
    found = explain(backend, x, "2@anchor:9", layer="a")
    np.testing.assert_allclose(found.score, np.log(y[:, 6, 9]), rtol=1e-5)
    (capture,) = backend.capture(x, suited(backend, ["2@anchor:9"])[0], layers=["a"])
    np.testing.assert_allclose(capture.gradients[0], expected, rtol=1e-4, atol=1e-6)
    made = instrument(source, layer="a", target="2@anchor:9", outputs=["gradients", "score"])
    inside = run(made, x=x)
    np.testing.assert_array_equal(inside["y"], y.astype(np.float32))
    np.testing.assert_allclose(inside["cam_gradients"][0], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(inside["cam_score"], found.score, rtol=1e-5)
    tail = backend.look(x, layers=["a"]).tail("a")
    least = np.finfo(np.float32).tiny
    expected = np.log(np.maximum(y[:, 4:], least))
    np.testing.assert_allclose(tail(capture.activations), expected, rtol=1e-4)


def test_the_same_at_every_scale_is_a_detector(rng: np.random.Generator) -> None:
    """YOLOX: box, objectness and classes side by side at each scale, and no names."""
    scales = """r1 = Concat<axis = 1>(t, q0, p0)  u1 = Reshape(r1, eight)
        mp = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(a)
        b2 = Conv(mp, k4)  k2 = Conv(mp, k3)  o2 = Conv(mp, k1)
        q2 = Sigmoid(o2)  p2 = Sigmoid(k2)
        r2 = Concat<axis = 1>(b2, q2, p2)  u2 = Reshape(r2, eight)
        both = Concat<axis = 2>(u1, u2)  y = Transpose<perm = [0, 2, 1]>(both)"""
    eight = "eight = Constant<value = int64[3] {0, 8, -1}>() q0 = Sigmoid(o) p0 = Sigmoid(u)"
    source = net(f"{PARTS} {eight} {scales}", "float[N, A, 8] y")
    backend = OnnxBackend(source)
    (head,) = backend.heads()
    assert (head.kind, backend.classes, backend.class_axis) == ("boxes", 3, 2)
    x = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
    y = run(source, x=x)["y"]
    found = explain(backend, x, "1@anchor:9", layer="a").score
    np.testing.assert_allclose(found, np.log(y[:, 9, 4] * y[:, 9, 6]), rtol=1e-5)


NOT = {  # the nodes after the parts, metadata
    "scores without boxes": ("y = Concat<axis = 1>(q, p)", "N, 4, 64", {}),
    "names of others": ("y = Concat<axis = 1>(classes, objects)", "N, 4, 64", NAMES),
    "names of nobody": ("y = Concat<axis = 1>(boxes, classes)", "N, 7, 64", {"names": "a model"}),
}


@pytest.mark.parametrize("case", NOT)
def test_what_is_no_detector(case: str) -> None:
    nodes, shape, metadata = NOT[case]
    source = net(f"{PARTS} {nodes}", f"float[{shape}] y", metadata=metadata)
    assert OnnxBackend(source).heads()[0].kind != "boxes"


TWO = "boxes_out = Transpose<perm = [0, 2, 1]>(boxes) z = Transpose<perm = [0, 2, 1]>(classes)"
BESIDE = {  # nodes and names of the outputs -> who has the score
    "a softmax": (f"{TWO} scores = Softmax(z)", "scores", 3),
    "a name": (f"{TWO} scores = Identity(z)", "scores", 3),
    "one class": (f"{TWO} scores = Transpose<perm = [0, 2, 1]>(objects)", "scores", 1),
}


@pytest.mark.parametrize("case", BESIDE)
def test_boxes_beside_scores_are_never_the_score(case: str) -> None:
    """They come first, as in BlazeFace and UltraFace; `[N, anchors, 1]` has one class."""
    nodes, name, classes = BESIDE[case]
    outputs = f"float[N, 64, 4] boxes_out, float[N, 64, {classes}] {name}"
    backend = OnnxBackend(net(f"{PARTS} {nodes}", outputs))
    assert [(h.output, h.kind) for h in backend.heads()] == [
        (name, "dense classes"), ("boxes_out", "boxes")
    ]  # fmt: skip
    assert (backend.classes, backend.class_axis) == (classes, 2)


def test_numbers_wherever_another_output_has_classes_are_boxes() -> None:
    nodes = f"{TWO} scores = Softmax(z) offsets = Identity(boxes_out)"
    outputs = "float[N, 64, 4] offsets, float[N, 64, 3] scores"
    heads = OnnxBackend(net(f"{PARTS} {nodes}", outputs)).heads()
    assert heads[1].kind == "boxes"
    assert "wherever scores has a score" in heads[1].evidence


def test_a_photo_is_asked_for_a_class_by_its_name(tmp_path: Path) -> None:
    """As Ultralytics exports it; the top class has a name, and none is a box number."""
    source = model("4 + K, A")
    for key, value in {"task": "detect", "imgsz": "[8, 8]", "stride": "4"}.items():
        source.metadata_props.add(key=key, value=value)
    onnx.save(source, tmp_path / "m.onnx")
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    asked = ["explain", tmp_path / "m.onnx", tmp_path / "p.png", "-o", tmp_path, "--json"]
    for target, labels in (("person", {"person"}), ("-1", {"person", "car", "dog"})):
        found = call(*asked, "--target", target)
        assert found.exit_code == 0, found.output
        (record,) = json.loads(found.stdout)["explanations"]
        assert record["label"] in labels
        box = record["box"]
        assert NAMES["names"].count(f"{box['class']}: '{record['label']}'") == 1
        (head,) = record["heads"]
        assert (head["kind"], head["output"]) == ("boxes", "y")


FASTEST = """b = Conv(a, k4)  o = Conv(a, k1)  q = Sigmoid(o)  u = Conv(a, k3)
    last = Transpose<perm = [0, 2, 3, 1]>(u)  soft = Softmax<axis = 3>(last)
    p = Transpose<perm = [0, 3, 1, 2]>(soft)  y = Concat<axis = 1>(q, b, p)"""


def test_fastestdet_has_the_score_of_its_own_tool(rng: np.random.Generator) -> None:
    """o^0.6 p^0.4 of a Sigmoid and a Softmax over one map, and so its gradient; else o p."""
    x = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
    source = net(FASTEST, "float[N, 8, 8, 8] y")
    y = run(source, x=x)["y"].astype(np.float64).reshape(1, 8, 64)
    backend = OnnxBackend(source)
    (head,) = backend.heads()
    assert (head.boxes.written, head.probability) == ("bounded offsets", "exp")
    assert head.evidence.endswith("an objectness, as FastestDet's own tool has it: o^0.6 p^0.4")
    found = explain(backend, x, "1@anchor:9", layer="a")
    expected = np.log(y[:, 0, 9] ** 0.6 * y[:, 6, 9] ** 0.4)
    np.testing.assert_allclose(found.score, expected, rtol=1e-5)
    weights = {t.name: numpy_helper.to_array(t) for t in source.graph.initializer}
    objects, classes = weights["k1"][:, :, 0, 0], weights["k3"][:, :, 0, 0]  # [1, K], [3, K]
    slope = 0.6 * (1 - y[0, 0, 9]) * objects[0]  # of 0.6 log sigmoid
    slope = slope + 0.4 * (classes[1] - y[0, 5:, 9] @ classes)  # of 0.4 log softmax
    (capture,) = backend.capture(x, suited(backend, ["1@anchor:9"])[0], layers=["a"])
    np.testing.assert_allclose(capture.gradients[0], at(9, slope), rtol=1e-4, atol=1e-6)
    made = instrument(source, layer="a", target="1@anchor:9", outputs=["gradients", "score"])
    np.testing.assert_allclose(run(made, x=x)["cam_score"], expected, rtol=1e-5)
    plain = OnnxBackend(net(FASTEST.replace("Softmax<axis = 3>", "Sigmoid"), "float[N, 8, 8, 8] y"))
    assert plain.heads()[0].evidence.endswith("and an objectness, multiplied: o p")
