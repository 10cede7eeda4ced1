"""Keypoints and masks of boxes: the numbers and their slopes are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="the originals are torch's")
pytest.importorskip("onnxscript", reason="torch exports with it")

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core.errors import TargetError  # noqa: E402
from cam_core.explain import explain_all  # noqa: E402
from tests.models import detectors as nets  # noqa: E402
from tests.models.detectors import SIDE, K, export, flat  # noqa: E402

POINTS, MAPS = 4, 6


class Pose(nets.Ultralytics):
    """[N, 4 + K + 3 n, A]: x, y in pixels and a probability a keypoint."""

    def __init__(self) -> None:
        nets.Detector.__init__(self, scores=K, boxes=4, points=3 * POINTS)

    def forward(self, x: Any) -> Any:
        found = super().forward(x)
        each = flat(self.points(self.maps)).unflatten(1, (POINTS, 3))
        points = torch.cat([each[:, :, :2] * 8 + 20, each[:, :, 2:].sigmoid()], 2)
        return torch.cat([found, points.flatten(1, 2)], 1)


class Segmenting(nets.Ultralytics):
    """[N, 4 + K + k, A] and prototypes [N, k, h, w], of the finer end of the neck."""

    def __init__(self) -> None:
        super().__init__(MAPS)
        self.prototypes = torch.nn.Conv2d(8, MAPS, 1)

    def forward(self, x: Any) -> Any:
        found = super().forward(x)
        return found, self.prototypes(torch.nn.functional.interpolate(self.maps[0], scale_factor=2))


def opened(net: Any, outputs: list[str]) -> tuple[OnnxBackend, Any, Any]:
    """The model, an input, and the original's outputs in float64."""
    x = np.random.default_rng(5).random((1, 3, SIDE, SIDE), np.float32)
    backend = OnnxBackend(export(net.eval(), (torch.from_numpy(x),), ["images"], outputs))
    return backend, x, net.double()(torch.from_numpy(x).double())


@pytest.mark.parametrize("index", range(2))
def test_the_slopes_at_each_end_of_the_neck(index: int) -> None:
    """Of keypoints and of masks, layer by layer."""
    for net, outputs, asked in ((Pose(), ["y"], POSE), (Segmenting(), ["y", "p"], ["mask@box:0"])):
        backend, x, y = opened(net, outputs)
        layer = backend.look(x).layers[index]
        (box,) = explain_all(backend, x, ["box:0"], ["hirescam"], layers=[layer])
        anchor = box.detail[0]["box"]["anchor"]
        corners = box.detail[0]["box"]["corners"]
        for one in asked:
            (found,) = explain_all(backend, x, [one], ["hirescam"], layers=[layer])
            Y = mask(y, anchor, corners) if one.startswith("mask") else keypoint(y, anchor, one)
            assert float(found.score[0]) == pytest.approx(float(Y.detach()), rel=1e-5)
            A = net.maps[index]
            (G,) = torch.autograd.grad(Y, A, retain_graph=True)
            expected = (A * G).sum(1).detach().numpy()
            scale = np.abs(expected).max()
            np.testing.assert_allclose(found.signed, expected, rtol=1e-4, atol=1e-4 * scale + 1e-9)


POSE = ["keypoint:3@box:0", "keypoint:0x@box:0", "keypoint:2y@box:0"]


def keypoint(y: Any, anchor: int, asked: str) -> Any:
    """By hand: the third of three numbers is a probability."""
    number, coordinate = int(asked[9]), asked[10]
    start = 4 + K + 3 * number
    if coordinate == "@":
        return torch.log(y[0, start + 2, anchor])
    return y[0, start + "xy".index(coordinate), anchor]


def mask(outputs: Any, anchor: int, corners: Any) -> Any:
    """Place by place: coefficients times prototypes where the box is and they are above 0."""
    y, maps = outputs
    c, (x0, y0, x1, y1) = y[0, 4 + K :, anchor], corners
    height, width = maps.shape[2:]
    kept = []
    for row in range(height):
        for column in range(width):
            at = (column + 0.5) * SIDE / width, (row + 0.5) * SIDE / height
            value = (c * maps[0, :, row, column]).sum()
            if x0 <= at[0] <= x1 and y0 <= at[1] <= y1 and value > 0:
                kept.append(value)
    return torch.stack(kept).mean()


def test_a_question_turned_round() -> None:
    backend, x, _ = opened(Segmenting(), ["y", "p"])
    asked, layers = ["mask@box:0", "-mask@box:0"], [backend.look(x).layers[0]]
    plain, against = explain_all(backend, x, asked, ["hirescam"], layers=layers)
    np.testing.assert_allclose(against.score, -plain.score)
    np.testing.assert_allclose(against.signed, -plain.signed, atol=1e-9)


REFUSED = {
    "keypoint:4@box:0": (Pose, "there are keypoints 0 to 3"),
    "mask@box:0": (Pose, r"no masks that are known .'y'.; ask for box:0"),
    "keypoint:0@box:0": (Segmenting, r"no keypoints that are known .'y'.; ask for box:0"),
    "keypoint:0@box:all": (Pose, None),
}


@pytest.mark.parametrize("asked", REFUSED)
def test_what_a_model_lacks(asked: str) -> None:
    kind, words = REFUSED[asked]
    net = kind()
    backend, x, _ = opened(net, ["y"] if kind is Pose else ["y", "p"])
    if words is None:
        assert len(explain_all(backend, x, [asked], ["hirescam"])) > 1
        return
    with pytest.raises(TargetError, match=words):
        explain_all(backend, x, [asked], ["hirescam"])


def test_numbers_of_a_keypoint_are_those_that_the_metadata_say() -> None:
    """Pairs have no probability."""
    net = nets.Ultralytics(4).eval()
    x = torch.rand(1, 3, SIDE, SIDE)
    model = export(net, (x,), ["images"], ["y"])
    assert OnnxBackend(model).heads()[0].boxes.points == 0
    model.metadata_props.add(key="kpt_shape", value="[2, 2]")
    backend = OnnxBackend(model)
    assert (backend.heads()[0].boxes.points, backend.heads()[0].boxes.more) == (2, 4 + K)
    with pytest.raises(TargetError, match="no probability: ask for a coordinate, as keypoint:1x@b"):
        explain_all(backend, x.numpy(), ["keypoint:1@box:0"], ["hirescam"])
