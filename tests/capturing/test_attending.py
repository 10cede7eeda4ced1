"""What a forward pass shows of attention: at a fixed batch, and once for several targets."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
from backends.onnx import OnnxBackend  # noqa: E402
from backends.onnx.capturing.sessions import Passes  # noqa: E402
from cam_core import explain, explain_all  # noqa: E402
from cam_core.targets import ClassTarget  # noqa: E402
from tests.attentive import TinyViT, exported, made, pictures  # noqa: E402

METHODS = ["rollout", "gradrollout", "legrad", "legrad-final", "gradeclip"]


@pytest.fixture(scope="module")
def net() -> TinyViT:
    return made("registers", "before")


@pytest.fixture(scope="module")
def model(net: TinyViT) -> bytes:
    return exported(net, "torchscript", 17)


@pytest.mark.parametrize("method", METHODS)
def test_a_fixed_batch_is_run_row_by_row(model: bytes, method: str) -> None:
    x, classes = pictures(3).numpy(), [0, 3, 1]
    one = OnnxBackend(model, static={"x": (1, 3, 8, 12)})
    assert one.inputs()[0].shape[0] == 1
    expected = explain(OnnxBackend(model), x, classes, method).map
    np.testing.assert_allclose(
        explain(one, x, classes, method).map, expected, rtol=1e-4, atol=1e-5 * expected.max()
    )


def test_weights_and_gradients_by_block(net: TinyViT, model: bytes) -> None:
    x = pictures()
    y, spied = net.spied(x)
    grads = torch.autograd.grad(y[:, 3].sum(), spied.P)
    seen = OnnxBackend(model).attend(x.numpy()).under(ClassTarget(3))
    for P, G, weights, gradient in zip(seen.P, seen.G, spied.P, grads, strict=True):
        np.testing.assert_allclose(P, weights.detach(), atol=1e-5)
        np.testing.assert_allclose(G, gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max()))
    assert seen.read.tolist() == [[1.0] + [0.0] * 8]
    keys = np.tile(np.arange(9.0), (2, 1))
    np.testing.assert_array_equal(seen.placed(keys)[1], [[3, 4, 5], [6, 7, 8]])


def test_one_forward_pass_for_all_targets(model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, x, runs = OnnxBackend(model), pictures().numpy(), []
    forward = Passes.forward
    monkeypatch.setattr(
        Passes, "forward", lambda self, *given: runs.append(self) or forward(self, *given)
    )
    found = explain_all(backend, x, [0, 1, 2], ["gradrollout", "legrad-final"])
    assert len(found) == 6
    assert len(runs) == 2  # the look itself, and that with the weights
