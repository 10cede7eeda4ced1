"""Masks with an axis of rows: the mean logit of each box's, and torch's derivatives of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="the originals are torch's")
pytest.importorskip("onnxscript", reason="torch exports with it")

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core.explain import seen_by  # noqa: E402
from cam_core.looking import Looks  # noqa: E402
from cam_core.targets import parse_target  # noqa: E402
from tests.asked import require_all  # noqa: E402
from tests.models import masked  # noqa: E402
from tests.models.detectors import SIDE, export  # noqa: E402

DETS = ["dets", "labels", "masks"]
DETECTION = [f"detection_{name}" for name in ("boxes", "classes", "scores", "masks")]
NETS: dict[str, tuple[Any, list[str]]] = {
    "mmdeploy": (masked.Deployed, DETS),
    "mmdeploy, pasted": (masked.Pasted, DETS),
    "TensorFlow": (masked.TensorFlow, [*DETECTION, "num_detections"]),
}


@pytest.fixture(scope="module", params=NETS)
def case(request: pytest.FixtureRequest) -> Any:
    """The net in float64, the backend and the input, of which the net has kept all."""
    kind, outputs = NETS[request.param]
    net = kind().eval()
    x = np.random.default_rng(5).random((1, 3, SIDE, SIDE), np.float32)
    backend = OnnxBackend(export(net, (torch.from_numpy(x),), ["images"], outputs))
    net.maps, net.drawn = [], None
    net = net.double()
    found = net(torch.from_numpy(x).double())
    labels = found[1].long() - int(isinstance(net, masked.TensorFlow))
    return net, backend, x, labels


@pytest.mark.parametrize("asked", ["mask@box:0", "mask@box:2"])
def test_the_number_and_its_derivative_are_torchs(case: Any, asked: str) -> None:
    net, backend, x, labels = case
    looks = Looks(backend, x)
    (question,) = parse_target(asked, head=backend.heads()[0], class_axis=backend.class_axis)
    (target,) = question.found_in(seen_by(backend, x, looks.first))
    box = target.detail[0]["box"]["anchor"]
    cells = [z for z in net.drawn[0, box, int(labels[0, box])].flatten() if z > 0]
    Y = torch.stack(cells).mean()
    assert target.tensor == backend.heads()[0].boxes.mask_logits
    assert target.detail[0]["mask"]["places"] == len(cells)
    number = target.score(looks.of(target.tensor).score)
    assert float(number[0]) == pytest.approx(float(Y.detach()), rel=1e-4)
    slopes = torch.autograd.grad(Y, net.maps, retain_graph=True, allow_unused=True)
    scale = max(float(G.abs().max()) for G in slopes if G is not None)
    for one in looks.pulled(target):
        at = next(i for i, m in enumerate(net.maps) if m.shape == one.activations.shape)
        wanted = np.zeros(one.activations.shape) if slopes[at] is None else slopes[at]
        np.testing.assert_allclose(one.gradients, wanted, atol=1e-4 * scale)


def test_what_is_listed_can_be_asked(case: Any) -> None:
    _, backend, x, _ = case
    assert "mask@box:0" in require_all(backend, x)
