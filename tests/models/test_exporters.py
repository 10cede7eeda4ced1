"""Detectors as other exporters write them: torch's newer one, and pictures with channels last.

The same nets as of the older exporter; boxes decoded by hand, derivatives of torch.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="the originals are torch's")
pytest.importorskip("onnxscript", reason="torch exports with it")

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core.asking import seen_by  # noqa: E402
from cam_core.captures import pulled  # noqa: E402
from cam_core.targets import parse_target  # noqa: E402
from tests.models import decoded  # noqa: E402
from tests.models import detectors as nets  # noqa: E402
from tests.models.detectors import SIDE, K  # noqa: E402


class SSD(nets.Detector):
    """scores [N, A, K + 1] with the background first, boxes [N, A, 4] in parts, decoded inside."""

    def __init__(self) -> None:
        super().__init__(scores=K + 1, boxes=4)

    def forward(self, x: Any) -> Any:
        maps = self.features(x)
        centre, stride = nets.points(maps)
        said = torch.cat([nets.rows(m, K + 1) for m in self.scores(maps)], 1).softmax(-1)
        offsets = torch.cat([nets.rows(m, 4) for m in self.boxes(maps)], 1)
        centre, side = (centre * stride).T, 3 * stride.T
        centre = centre + 0.1 * offsets[..., :2] * side
        half = torch.exp(0.2 * offsets[..., 2:]) * side / 2
        return said, torch.cat([centre - half, centre + half], -1) / SIDE


class ChannelsLast(SSD):
    """The same of a picture [N, H, W, 3], turned at both ends as tf2onnx does."""

    def forward(self, x: Any) -> Any:
        return super().forward(x.permute(0, 3, 1, 2))


def of_background(outputs: Sequence[Any]) -> decoded.Found:
    scores, boxes = outputs
    best = max(
        (float(p), c + 1, a) for a, row in enumerate(scores[0]) for c, p in enumerate(row[1:])
    )
    _, c, a = best
    return c, a, tuple(SIDE * float(v) for v in boxes[0, a])


def against(outputs: Sequence[Any], anchor: int, index: int) -> Any:
    """The difference of the logits is that of the logarithms."""
    p = outputs[0][0, anchor]
    return torch.log(p[index]) - torch.log(p[0])


def logit(p: Any) -> Any:
    return torch.log(p / (1 - p))


class Row(NamedTuple):
    net: Callable[[], Any]
    outputs: Sequence[str]
    decode: Callable[[Sequence[Any]], decoded.Found]
    number: Callable[[Sequence[Any], int, int], Any]
    newer: bool = True


FACES = [f"{name}_{s}" for name in ("score", "bbox", "kps") for s in (4, 8)]
ROWS = {
    "YOLO": Row(nets.Ultralytics, ["output0"], decoded.channels_first,
                lambda o, a, c: logit(o[0][0, 4 + c, a])),
    "YOLO end to end": Row(nets.EndToEnd, ["output0"], decoded.first_row,
                           lambda o, a, c: torch.log(o[0][0, a, 4])),
    "SSD": Row(SSD, ["scores", "boxes"], of_background, against),
    "SCRFD": Row(nets.SCRFD, FACES, decoded.scrfd,
                 lambda o, a, c: logit(torch.cat(list(o[:2]), 1)[0, a, 0])),
    "SSD, channels last": Row(ChannelsLast, ["scores", "boxes"], of_background, against, False),
}  # fmt: skip


def exported(row: Row, net: Any, x: Any) -> onnx.ModelProto:
    if not row.newer:
        return nets.export(net, (x,), ["x"], row.outputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says what it calls in torch
        made = torch.onnx.export(
            net, (x,), dynamo=True, input_names=["x"], output_names=list(row.outputs), verbose=False
        )
    return made.model_proto


@pytest.mark.parametrize("name", ROWS)
def test_it_is_read_without_flags(name: str) -> None:
    """The best box, its number, and the derivative at both ends of the neck."""
    row = ROWS[name]
    net = row.net().eval()
    shape = (1, SIDE, SIDE, 3) if row.net is ChannelsLast else (1, 3, SIDE, SIDE)
    x = torch.from_numpy(np.random.default_rng(5).random(shape, np.float32))
    backend = OnnxBackend(exported(row, net, x))
    net.maps = []  # those that were traced
    double = deepcopy(net).double()
    found = double(x.double())
    outputs = found if isinstance(found, tuple) else (found,)
    (question,) = parse_target("top:1", head=backend.heads()[0], class_axis=backend.class_axis)
    look = backend.look(x.numpy())
    (target,) = question.found_in(seen_by(backend, x.numpy(), look))
    box, (index, anchor, corners) = (
        target.detail[0]["box"],
        row.decode([y.detach() for y in outputs]),
    )
    assert (box["class"], box["anchor"]) == (index, anchor)
    np.testing.assert_allclose(box["corners"], corners, atol=0.02)  # told to 0.01 pixels
    Y = row.number(outputs, anchor, index)
    assert float(target.score(look.score)[0]) == pytest.approx(float(Y.detach()), rel=1e-4)
    slopes = torch.autograd.grad(Y, double.maps)
    captured = pulled(look, target)
    assert len(captured) == len(double.maps)
    for got, A, expected in zip(captured, double.maps, slopes, strict=True):
        np.testing.assert_allclose(got.activations, A.detach(), rtol=1e-4, atol=1e-5)
        scale = float(expected.abs().max())
        np.testing.assert_allclose(got.gradients, expected, atol=1e-4 * scale + 1e-9)
