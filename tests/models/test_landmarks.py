"""Landmarks of faces beside each box: the coordinates, decoded by hand, and torch's derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="the originals are torch's")
pytest.importorskip("onnxscript", reason="torch exports with it")

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core.asking import seen_by  # noqa: E402
from cam_core.errors import TargetError  # noqa: E402
from cam_core.explain import explain_all  # noqa: E402
from cam_core.looking import Looks  # noqa: E402
from cam_core.targets import parse_target  # noqa: E402
from tests.asked import require_all  # noqa: E402
from tests.models import decoded, faces  # noqa: E402
from tests.models import detectors as nets  # noqa: E402
from tests.models.detectors import SIDE, STRIDES  # noqa: E402


class Row(NamedTuple):
    net: Callable[[], Any]
    outputs: Sequence[str]
    at: Callable[[Sequence[Any], int, int, int], Any]
    """(the original's outputs, anchor, keypoint, side) -> x or y in pixels."""
    count: int = 5


def listed(outputs: Sequence[Any]) -> Any:
    """[A, M] of all scales."""
    return torch.cat([y.reshape(-1, y.shape[-1]) for y in outputs])


def from_corner(numbers: Any, anchor: int, point: int, side: int, each: int) -> Any:
    """InsightFace's distance2kps, OpenCV's FaceDetectorYN: (cell + number) stride."""
    *cell, stride = decoded.places(each)[anchor]
    return (cell[side] + numbers[anchor, 2 * point + side]) * stride


def from_centre(numbers: Any, anchor: int, point: int, side: int) -> Any:
    """MediaPipe's TensorsToDetections with anchors of size 1: centre of the cell + number."""
    cells = [
        (column, row, stride)
        for stride, each in zip(STRIDES, (2, 6), strict=True)
        for row in range(SIDE // stride)
        for column in range(SIDE // stride)
        for _ in range(each)
    ]
    *cell, stride = cells[anchor]
    return (cell[side] + 0.5) * stride + numbers[anchor, 4 + 2 * point + side]


TRIPLE = [f"{name}_{s}" for name in ("score", "bbox", "kps") for s in STRIDES]
FOUR = [f"{name}_{s}" for name in ("cls", "obj", "bbox", "kps") for s in STRIDES]
ROWS = {
    "SCRFD": Row(nets.SCRFD, TRIPLE, lambda o, a, k, s: from_corner(listed(o[4:]), a, k, s, 2)),
    "SCRFD without rows": Row(
        nets.OldSCRFD, (), lambda o, a, k, s: from_corner(listed(o[4:]), a, k, s, 2)
    ),
    "YuNet": Row(nets.YuNet, FOUR, lambda o, a, k, s: from_corner(listed(o[6:]), a, k, s, 1)),
    "BlazeFace": Row(
        nets.BlazeFace,
        ["regressors", "classificators"],
        lambda o, a, k, s: from_centre(o[0][0], a, k, s),
        6,
    ),
    "RetinaFace": Row(faces.RetinaFace, ["loc", "conf", "landms"], faces.landmark),
    "RetinaFace without names": Row(faces.RetinaFace, (), faces.landmark),
}


@pytest.fixture(scope="module", params=ROWS)
def case(request: pytest.FixtureRequest) -> Any:
    row = ROWS[request.param]
    net = row.net().eval()
    x = np.random.default_rng(5).random((1, 3, SIDE, SIDE), np.float32)
    backend = OnnxBackend(nets.export(net, (torch.from_numpy(x),), ["images"], row.outputs))
    outputs = net.double()(torch.from_numpy(x).double())
    return row, backend, x, outputs, net.maps


@pytest.mark.parametrize("asked", ["keypoint:3x@box:0", "keypoint:0y@box:1"])
def test_a_coordinate_and_its_derivative(case: Any, asked: str) -> None:
    row, backend, x, outputs, maps = case
    (question,) = parse_target(asked, head=backend.heads()[0], class_axis=backend.class_axis)
    looks = Looks(backend, x)
    (target,) = question.found_in(seen_by(backend, x, looks.first))
    anchor = target.detail[0]["box"]["anchor"]
    Y = row.at(outputs, anchor, int(asked[9]), "xy".index(asked[10]))
    assert target.unit == "pixels"
    number = target.score(looks.of(target.tensor).score)
    assert float(number[0]) == pytest.approx(float(Y.detach()), rel=1e-5)
    slopes = torch.autograd.grad(Y, maps, retain_graph=True, allow_unused=True)
    found = looks.pulled(target)
    assert found
    for one in found:  # a scale's own output is read at the layers that it depends on
        index = next(i for i, m in enumerate(maps) if m.shape == one.activations.shape)
        expected = slopes[index].numpy()
        scale = np.abs(expected).max()
        np.testing.assert_allclose(one.gradients, expected, atol=1e-4 * scale + 1e-9)


def test_what_there_is_not(case: Any) -> None:
    row, backend, x, _, _ = case
    with pytest.raises(TargetError, match=f"there are keypoints 0 to {row.count - 1}"):
        explain_all(backend, x, [f"keypoint:{row.count}x@box:0"], ["hirescam"])
    with pytest.raises(TargetError, match="no probability: ask for a coordinate, as keypoint:1x@b"):
        explain_all(backend, x, ["keypoint:1@box:0"], ["hirescam"])


def test_what_is_listed_can_be_asked(case: Any) -> None:
    """Of landmarks the coordinates alone."""
    _, backend, x, _, _ = case
    listed = require_all(backend, x)
    assert {one for one in listed if one.startswith("keypoint")} == {"keypoint:0x@box:0"}
