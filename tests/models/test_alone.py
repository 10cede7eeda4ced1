"""A detector of one picture [3, H, W], as torchvision exports them: a photo from the door in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="the original is torch's")
pytest.importorskip("onnxscript", reason="torch exports with it")

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core.asking import seen_by  # noqa: E402
from cam_core.cli.group import gradcam  # noqa: E402
from cam_core.looking import Looks  # noqa: E402
from cam_core.targets import parse_target  # noqa: E402
from tests.models import detectors as nets  # noqa: E402
from tests.models.detectors import SIDE  # noqa: E402

PHOTO = (3 * SIDE, 2 * SIDE)
"""Width and height: parts of neither side of the input."""


class Alone(nets.Unbatched):
    """boxes [n, 4], labels [n], scores [n] of a picture [3, H, W]."""

    def forward(self, x: Any) -> Any:
        return super().forward(x[None])


@pytest.fixture(scope="module")
def net() -> Any:
    return Alone().eval()


@pytest.fixture(scope="module")
def model(net: Any) -> Any:
    x = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
    return nets.export(net, (x,), ["image"], ["boxes", "labels", "scores"])


@pytest.fixture
def here(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("alone.onnx").write_bytes(model.SerializeToString())
    pixels = np.random.default_rng(2).integers(0, 256, (PHOTO[1], PHOTO[0], 3), np.uint8)
    Image.fromarray(pixels).save("photo.png")
    return tmp_path


def test_a_photo_is_taken_and_boxes_are_in_its_pixels(net: Any, here: Path) -> None:
    """Stretched and divided by 255, by hand; the box scaled back by hand."""
    result = CliRunner().invoke(gradcam, ["explain", "alone.onnx", "photo.png", "-o", "out"])
    assert result.exit_code == 0, result.output
    assert "stretched to 64x64, RGB/255 (as torchvision, a guess" in result.output
    picture = Image.open("photo.png").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    x = torch.from_numpy(np.asarray(picture, np.float32) / 255).permute(2, 0, 1)
    with torch.no_grad():
        boxes, labels, scores = net(x)
    record = json.loads(Path("out/photo.box-0.hirescam.json").read_text())
    box = record["box"]
    expected = boxes[0].numpy() * np.tile([PHOTO[0] / SIDE, PHOTO[1] / SIDE], 2)
    np.testing.assert_allclose(box["corners"], expected, atol=0.05)  # told to 0.01 pixels
    assert box["class"] == int(labels[0])
    assert box["probability"] == pytest.approx(float(scores[0]), rel=1e-4)


def test_an_edge_of_a_box_that_counts_no_rows(net: Any, model: Any) -> None:
    """The number, and its derivative at both ends of the neck, which are torch's."""
    x = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(6))
    boxes, _, _ = net(x)
    Y = boxes[1, 2] - boxes[1, 0]
    expected = torch.autograd.grad(Y, net.maps)
    backend = OnnxBackend(model)
    looks = Looks(backend, x.numpy())
    (question,) = parse_target("edge:w@box:1", head=backend.heads()[0])
    (target,) = question.found_in(seen_by(backend, x.numpy(), looks.first))
    number = target.score(looks.of(target.tensor).score)
    assert float(number[0]) == pytest.approx(float(Y.detach()), rel=1e-5)
    for one, slope in zip(looks.pulled(target), expected, strict=True):
        np.testing.assert_allclose(one.gradients, slope, atol=1e-4 * float(slope.abs().max()))
