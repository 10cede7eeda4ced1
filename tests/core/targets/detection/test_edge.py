"""A coordinate of a box: what a detector's numbers decode to, and its slope back through that."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from cam_core import explain, explain_all
from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head
from cam_core.targets import Asking, Seen, parse_target
from cam_core.targets.detection.meaning import corners

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend  # noqa: E402

SIZE = (40, 56)
EDGES = ["left", "top", "right", "bottom", "x", "y", "w", "h"]


def edge(of: Any, name: str) -> Any:
    """Of corners [4]."""
    x0, y0, x1, y1 = of
    centre, extent = [(x0 + x1) / 2, (y0 + y1) / 2], [x1 - x0, y1 - y0]
    return [x0, y0, x1, y1, *centre, *extent][EDGES.index(name)]


def written(how: str, rng: np.random.Generator) -> Any:
    """Numbers [2, 35, 4] of anchors in a 5 x 7 map."""
    xy, wh = rng.uniform(-0.4, 0.4, (2, 35, 2)), rng.uniform(-1, 1, (2, 35, 2))
    if how == "logarithms":
        return np.concatenate([xy, wh], 2)
    low = rng.uniform(0, 20, (2, 35, 2))
    high = low + rng.uniform(3, 9, (2, 35, 2))
    centred = np.concatenate([(low + high) / 2, high - low], 2)
    return {"corners": np.concatenate([low, high], 2), "centre": centred, "parts": centred / 50}[
        how
    ]


@pytest.mark.parametrize("layout", ["list", "channels", "map", "map last"])
@pytest.mark.parametrize("how", ["corners", "centre", "parts", "logarithms"])
@pytest.mark.parametrize("name", EDGES)
def test_its_slope_is_that_of_the_decoding(
    name: str, how: str, layout: str, rng: np.random.Generator
) -> None:
    """Differences of `corners` of the whole output, whatever the anchors' axes."""
    plain = written(how, rng)
    shapes: dict[str, Any] = {
        "list": (plain, 2),
        "channels": (plain.transpose(0, 2, 1), 1),
        "map": (plain.transpose(0, 2, 1).reshape(2, 4, 5, 7), 1),
        "map last": (plain.reshape(2, 5, 7, 4), 3),
    }
    y, axis = shapes[layout]
    cells = [(5, 7)] if layout.startswith("map") else ()
    anchor = 15
    head = Head("s", "dense classes", "", "s", 1, "Sigmoid", BoxNumbers("b", axis))
    scores = np.full((2, 1, 35), -9.0)
    scores[:, 0, anchor] = 3
    seen = Seen(scores, {"b": y}, Asking(["dog"], 1, head), SIZE)
    (target,) = parse_target(f"edge:{name}@box:0", head=head)[0].found_in(seen)
    assert target.tensor == "b"

    def value(numbers: Any) -> Any:
        flat = np.moveaxis(numbers, axis, -1).reshape(2, 35, 4)
        return [edge(row[anchor], name) for row in corners(flat, SIZE, cells)[0]]

    np.testing.assert_allclose(target.score(y), value(y), rtol=1e-12)
    slope = target(y)
    for at in np.argwhere(slope != 0):
        ahead, behind = y.copy(), y.copy()
        ahead[tuple(at)] += 1e-5
        behind[tuple(at)] -= 1e-5
        difference = (value(ahead)[at[0]] - value(behind)[at[0]]) / 2e-5
        assert slope[tuple(at)] == pytest.approx(difference, rel=1e-6)
    direction = rng.normal(size=y.shape)
    change = np.subtract(value(y + 1e-6 * direction), value(y - 1e-6 * direction)) / 2e-6
    np.testing.assert_allclose((slope * direction).reshape(2, -1).sum(1), change, rtol=1e-5)


DETECTOR = """<ir_version: 8, opset_import: ["" : 17]>
tiny (float[1, 3, 40, 56] x) => (float[1, 35, 2] scores, float[1, 35, 4] boxes)
  <int64[3] boxed = {1, 4, 35}, int64[3] scored = {1, 2, 35}> {
    a = Conv<strides = [8, 8]>(x, w)
    neck = Tanh(a)
    b = Conv(neck, wb)
    c = Conv(neck, wc)
    bf = Reshape(b, boxed)
    cf = Reshape(c, scored)
    boxes = Transpose<perm = [0, 2, 1]>(bf)
    logits = Transpose<perm = [0, 2, 1]>(cf)
    scores = Sigmoid(logits)
}"""


def tiny() -> tuple[onnx.ModelProto, dict[str, Any]]:
    rng = np.random.default_rng(5)
    shapes = {"w": (5, 3, 8, 8), "wb": (4, 5, 1, 1), "wc": (2, 5, 1, 1)}
    weights = {n: rng.normal(scale=0.3, size=s).astype(np.float32) for n, s in shapes.items()}
    model = onnx.parser.parse_model(DETECTOR)
    model.graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in weights.items())
    return model, weights


@pytest.mark.parametrize("name", EDGES)
def test_a_models_gradient_is_autograds(name: str) -> None:
    model, weights = tiny()
    backend = OnnxBackend(model)
    x = np.random.default_rng(6).normal(size=(1, 3, *SIZE)).astype(np.float32)
    found, box = explain_all(
        backend, x, [f"edge:{name}@box:0", "box:0"], ["hirescam"], layers=["neck"]
    )
    anchor = box.detail[0]["box"]["anchor"]
    w = {n: torch.from_numpy(v) for n, v in weights.items()}
    conv = torch.nn.functional.conv2d
    A = torch.tanh(conv(torch.from_numpy(x), w["w"], stride=8)).requires_grad_()
    tx, ty, tw, th = conv(A, w["wb"]).flatten(2)[0, :, anchor]
    row, column = divmod(anchor, 7)
    cx, cy, bw, bh = (column + tx) * 8, (row + ty) * 8, torch.exp(tw) * 8, torch.exp(th) * 8
    Y = edge([cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2], name)
    (G,) = torch.autograd.grad(Y, A)
    assert found.score[0] == pytest.approx(Y.item(), rel=1e-5)
    expected = (A * G).sum(1).detach().numpy()
    np.testing.assert_allclose(found.signed, expected, rtol=1e-4, atol=1e-5)
    assert found.detail[0]["box"]["corners"] == box.detail[0]["box"]["corners"]


def test_against_an_edge_and_of_a_class() -> None:
    model, _ = tiny()
    x = np.random.default_rng(6).normal(size=(1, 3, *SIZE)).astype(np.float32)
    backend = OnnxBackend(model)
    plain, turned = (explain(backend, x, text, layer="neck") for text in ("edge:w@1", "-edge:w@1"))
    np.testing.assert_array_equal(plain.signed, -turned.signed)
    assert (plain.target, turned.target) == ("edge:w@1", "against:edge:w@1")


REFUSED = [
    ("edge:lft@box:0", "no edge 'lft'; there are left, top, right, bottom, x, y, w, h"),
    ("edge:left@top:3", "one box has that, such as edge:left@box:0"),
    ("edge:left@1@anchor:3", "one box has that"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_no_edge(text: str, words: str) -> None:
    head = Head("y", "boxes", "", "y", 1, "Sigmoid", BoxNumbers("b", 2))
    with pytest.raises(TargetError, match=words):
        parse_target(text, head=head)


def test_a_classifier_has_no_boxes() -> None:
    with pytest.raises(TargetError, match="asks for a box, and the model gives classes"):
        parse_target("edge:left@box:0", head=Head("y", "classes", "", "y", 1))


def test_turned_boxes_have_no_edges() -> None:
    head = Head("y", "boxes", "", "y", 1, "Sigmoid", BoxNumbers("b", 1, angle=6))
    with pytest.raises(TargetError, match=r"its boxes are turned .*; ask for box:0, or out"):
        parse_target("edge:left@box:0", head=head)
