"""Scores behind a mean and a linear layer, against runs of torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core import explain, explain_all
from cam_core.looking import Looks
from cam_core.methods import ablation_cam, recipro_cam
from cam_core.methods.after_mean import AfterMean, after_mean
from cam_core.targets import ClassTarget

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend  # noqa: E402
from tests.core.methods.counted import counted  # noqa: E402
from tests.core.methods.forward_net import module, net, pictures  # noqa: E402


def head_of(backend: OnnxBackend, layer: str) -> tuple[AfterMean | None, Any]:
    (question,) = Looks(backend, pictures(), [layer]).questions(ClassTarget(1))
    return after_mean(question), question.A


def run(A: Any) -> Any:
    """What torch's own head says of activations."""
    with torch.no_grad():
        return module()[4:](torch.from_numpy(A)).numpy()


def test_other_activations_have_the_scores_of_a_run(rng: np.random.Generator) -> None:
    head, A = head_of(OnnxBackend(net()), "r2")
    assert head is not None
    changed = (A * rng.uniform(-1, 2, (3, *A.shape))).astype(np.float32)
    expected = np.stack([run(one) for one in changed])
    np.testing.assert_allclose(head.of(changed.mean(axis=(3, 4))), expected, rtol=1e-5, atol=1e-5)


def test_without_a_channel() -> None:
    head, A = head_of(OnnxBackend(net()), "r2")
    assert head is not None
    changed = A.copy()
    changed[:, 4] = 0
    found = head.without(4, head.means[:, 4])
    np.testing.assert_allclose(found, run(changed), rtol=1e-5, atol=1e-5)
    assert np.abs(found - head.y).max() > 0.1


@pytest.mark.parametrize(("pool", "layer"), [("GlobalMaxPool", "r2"), ("GlobalAveragePool", "r1")])
def test_another_head_is_run(pool: str, layer: str) -> None:
    head, _ = head_of(OnnxBackend(net(pool)), layer)
    assert head is None


def test_a_score_behind_a_softmax_is_run() -> None:
    """Of the probabilities themselves: they are not linear in the mean."""
    model = net()
    model.graph.node.add(op_type="Softmax", input=["y"], output=["p"])
    model.graph.output[0].name = "p"
    backend = OnnxBackend(model, score="out:p")
    (question,) = Looks(backend, pictures(), ["r2"]).questions(ClassTarget(1))
    assert after_mean(question) is None


@pytest.mark.parametrize("target", [[1, 3], "1-3", "rest:1", "finer:2"])
@pytest.mark.parametrize("method", ["ablationcam", "reciprocam", "reciprocam:gaussian=false"])
def test_a_map_is_that_of_runs(method: str, target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of scores that are linear in the means, and of others."""
    found = explain(OnnxBackend(net()), pictures(), target, method)
    rows = counted(monkeypatch)
    for own in (ablation_cam, recipro_cam):
        monkeypatch.setattr(own, "after_mean", lambda question: None)
    expected = explain(OnnxBackend(net()), pictures(), target, method).signed
    assert rows["tails"] > 2
    np.testing.assert_allclose(found.signed, expected, rtol=1e-4, atol=1e-5 * expected.max())
    assert np.ptp(expected) > 0


@pytest.mark.parametrize("method", ["ablationcam", "reciprocam"])
def test_nothing_is_run(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = counted(monkeypatch)
    explain_all(OnnxBackend(net()), pictures(), [0, "1-3", "rest:1"], [method])
    assert rows == {"looks": 2}
