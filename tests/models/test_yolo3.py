"""YOLOv3 as it leaves its tools: Darknet's three maps, the tiny one's two, Keras's with selection.

Boxes by loops over what each tool does, derivatives from torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="the originals are torch's")
pytest.importorskip("onnxscript", reason="torch exports with it")

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core.captures import pulled  # noqa: E402
from cam_core.explain import explain_all, seen_by  # noqa: E402
from cam_core.targets import parse_target  # noqa: E402
from tests.asked import require_all  # noqa: E402
from tests.models import keras_yolo as nets  # noqa: E402
from tests.models.decoded import turned  # noqa: E402
from tests.models.detectors import export  # noqa: E402
from tests.models.keras_yolo import SIDE  # noqa: E402

COCO = 80
DARKNET = {
    8: [(10, 13), (16, 30), (33, 23)],
    16: [(30, 61), (62, 45), (59, 119)],
    32: [(116, 90), (156, 198), (373, 326)],
}
"""cfg/yolov3.cfg, by hand."""
TINY = {16: [(10, 14), (23, 27), (37, 58)], 32: [(81, 82), (135, 169), (344, 319)]}
"""cfg/yolov3-tiny.cfg."""
Best = tuple[float, int, int, tuple[float, ...]]
"""(Y, class, anchor, corners)"""


def darknet(outputs: Sequence[Any], sizes: dict[int, list[tuple[int, int]]]) -> Best:
    """get_yolo_detections of yolo_layer.c: each map's three anchors, one map after the other."""
    found, anchor = [], 0
    for y in outputs:
        side = y.shape[2]
        stride = SIDE // side
        each = y[0].reshape(3, 5 + COCO, side, side)
        for numbers, (w, h) in zip(each, sizes[stride], strict=True):
            for row in range(side):
                for column in range(side):
                    tx, ty, tw, th, o, *classes = numbers[:, row, column].tolist()
                    tx, ty, o, p = (1 / (1 + exp(-v)) for v in (tx, ty, o, max(classes)))
                    centre = (column + tx) * stride, (row + ty) * stride
                    box = turned(*centre, w * exp(tw), h * exp(th), 0.0)
                    found.append((float(np.log(o * p)), classes.index(max(classes)), anchor, box))
                    anchor += 1
    return max(found)


def keras(outputs: Sequence[Any]) -> Best:
    """yolo_boxes_and_scores has done all of it; top, left, bottom, right."""
    boxes, scores = (part[0] for part in outputs)
    c, a = divmod(int(scores.argmax()), scores.shape[1])
    top, left, bottom, right = boxes[a].tolist()
    return float(scores[c, a].log()), c, a, (left, top, right, bottom)


def logs(outputs: Sequence[Any], c: int, a: int) -> Any:
    """log o + log p of all anchors of raw maps."""
    each = [y.unflatten(1, (3, -1)).flatten(3).transpose(2, 3).flatten(1, 2) for y in outputs]
    return torch.nn.functional.logsigmoid(torch.cat(each, 1)[0, a, [4, 5 + c]]).sum()


CASES = {
    "Darknet": (lambda: nets.Darknet(COCO, (32, 16, 8)), lambda o: darknet(o, DARKNET), logs),
    "tiny": (lambda: nets.Darknet(COCO, (32, 16)), lambda o: darknet(o, TINY), logs),
    "Keras": (nets.KerasYolo, keras, lambda o, c, a: o[1][0, c, a].log()),
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Any:
    make, decode, number = CASES[request.param]
    net = make().eval()
    width = 2 * SIDE if request.param == "Keras" else SIDE
    x = np.random.default_rng(5).random((1, 3, SIDE, width), np.float32)
    feed = {"input_1": x}
    if request.param == "Keras":
        feed["image_shape"] = np.array([x.shape[2:]], np.float32)
    given = tuple(map(torch.from_numpy, feed.values()))
    made = nets.model(net, *given) if len(feed) > 1 else export(net, given, ["input_1"], ())
    net.maps = []
    with torch.no_grad():
        best = decode(net(*given))
    net = net.double()
    return OnnxBackend(made), net, feed, best, number


def test_the_best_box_is_the_tools(case: Any) -> None:
    """Nothing said; its class, its place and its number."""
    backend, _, feed, best, _ = case
    (first, *_) = explain_all(backend, feed if len(feed) > 1 else feed["input_1"])
    Y, c, anchor, corners = best
    box = first.detail[0]["box"]
    assert (box["class"], box["anchor"]) == (c, anchor)
    np.testing.assert_allclose(box["corners"], corners, atol=0.02)  # told to 0.01 pixels
    assert float(first.score[0]) == pytest.approx(Y, rel=1e-4)
    assert box["probability"] == pytest.approx(exp(Y), rel=1e-4)


def test_its_derivative_is_torchs(case: Any) -> None:
    """At the maps of all scales."""
    backend, net, feed, (_, c, anchor, _), number = case
    maps = net(*(torch.from_numpy(value).double() for value in feed.values()))
    Y = number(maps, c, anchor)
    x = feed if len(feed) > 1 else feed["input_1"]
    look = backend.look(x)
    (target,) = parse_target("box:0")[0].found_in(seen_by(backend, x, look))
    captured = {one.activations.shape: one for one in pulled(look, target)}
    assert set(captured) == {tuple(m.shape) for m in net.maps}
    slopes = torch.autograd.grad(Y, net.maps, allow_unused=True)
    scale = max(float(G.abs().max()) for G in slopes if G is not None)
    for A, G in zip(net.maps, slopes, strict=True):
        wanted = np.zeros(A.shape) if G is None else G
        found = captured[tuple(A.shape)].gradients
        np.testing.assert_allclose(found, wanted, atol=1e-4 * scale)


def test_what_is_listed_can_be_asked(case: Any) -> None:
    backend, _, feed, *_ = case
    assert "box:0" in require_all(backend, feed if len(feed) > 1 else feed["input_1"])
