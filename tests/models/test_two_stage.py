"""Detectors of two stages: the box, its mask and its keypoints, against torch's derivatives."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="the originals are torch's")
pytest.importorskip("onnxscript", reason="torch exports with it")

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core.asking import seen_by  # noqa: E402
from cam_core.looking import Looks  # noqa: E402
from cam_core.targets import parse_target  # noqa: E402
from tests.asked import require_all  # noqa: E402
from tests.models import two_stage  # noqa: E402
from tests.models.detectors import SIDE, export  # noqa: E402

NAMED = ["boxes", "labels", "scores"]
ENDINGS = {"masks": "masks", "pasted": "masks", "keypoints": "keypoints_scores"}


@pytest.fixture(scope="module", params=ENDINGS)
def case(request: pytest.FixtureRequest) -> Any:
    """The model, the net in float64, an input and what the original gives."""
    net = two_stage.TwoStage(request.param).eval()
    x = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
    backend = OnnxBackend(export(net, (x,), ["image"], [*NAMED, ENDINGS[request.param]]))
    net.maps, net.drawn = [], None
    double = deepcopy(net).double()
    return backend, double, x.numpy(), double(x.double())


def mean_logit(net: Any, outputs: Any, box: int) -> Any:
    """Cell by cell of the map of the box's class."""
    cells = [z for z in net.drawn[box, int(outputs[1][box])].flatten() if z > 0]
    return torch.stack(cells).mean()


QUESTIONS = {  # question -> (net, outputs, box) -> Y; None: of which endings
    "box:0": (lambda net, outputs, box: torch.log(outputs[2][box]), ENDINGS),
    "box:2": (lambda net, outputs, box: torch.log(outputs[2][box]), ENDINGS),
    "edge:w@box:1": (lambda net, outputs, box: outputs[0][box, 2] - outputs[0][box, 0], ENDINGS),
    "mask@box:0": (mean_logit, ["masks", "pasted"]),
    "mask@box:1": (mean_logit, ["masks", "pasted"]),
    "keypoint:2@box:0": (lambda net, outputs, box: net.drawn[box, 2].max(), ["keypoints"]),
}


@pytest.mark.parametrize("asked", QUESTIONS)
def test_the_number_and_its_derivative_are_torchs(case: Any, asked: str) -> None:
    """At both scales, of which the coarse one pools no region here: its derivative is zero."""
    backend, net, x, outputs = case
    expected, endings = QUESTIONS[asked]
    if net.ending not in endings:
        pytest.skip(f"a model that ends in {net.ending} has none")
    looks = Looks(backend, x)
    (question,) = parse_target(asked, head=backend.heads()[0], class_axis=backend.class_axis)
    (target,) = question.found_in(seen_by(backend, x, looks.first))
    box = target.detail[0]["box"]
    corners = outputs[0][box["anchor"]].detach()
    np.testing.assert_allclose(box["corners"], corners, atol=0.02)  # told to 0.01 pixels
    Y = expected(net, outputs, box["anchor"])
    number = target.score(looks.of(target.tensor).score)
    assert float(number[0]) == pytest.approx(float(Y.detach()), rel=1e-4)
    slopes = torch.autograd.grad(Y, net.maps, retain_graph=True, allow_unused=True)
    scale = max(float(g.abs().max()) for g in slopes if g is not None)
    found = looks.pulled(target)
    assert len(found) == len(net.maps)
    for one, A, G in zip(found, net.maps, slopes, strict=True):
        np.testing.assert_allclose(one.activations, A.detach(), rtol=1e-4, atol=1e-5)
        wanted = np.zeros(A.shape) if G is None else G
        np.testing.assert_allclose(one.gradients, wanted, atol=1e-4 * scale)


def test_what_is_listed_can_be_asked(case: Any) -> None:
    backend, net, x, _ = case
    part = "keypoint:0@box:0" if net.ending == "keypoints" else "mask@box:0"
    assert part in require_all(backend, x)
