"""Scores and shuffled weights by each backend: the same numbers, from the same two networks."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.metrics import backend_score
from cam_core.metrics.faithfulness import deletion
from cam_core.metrics.sanity import cascade

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from tests.core.two_networks import BACKENDS, MODELS, Case  # noqa: E402


@pytest.fixture(params=[(b, m) for b in BACKENDS for m in MODELS], ids="-".join)
def case(request: pytest.FixtureRequest) -> Case:
    opened, model = BACKENDS[request.param[0]], MODELS[request.param[1]]
    x = np.random.default_rng(3).normal(size=(1, *model.size)).astype(np.float32)
    if request.param[0] != "torch":
        return Case(opened(model), model, x)
    from backends.torch import TorchBackend
    from tests.core.two_networks import network

    return Case(TorchBackend(network(model), example=x), model, x)


def test_the_score_is_that_of_the_network(case: Case, rng: np.random.Generator) -> None:
    changed = rng.normal(size=(5, *case.model.size)).astype(np.float32)
    expected = case.net()(torch.from_numpy(changed).double()).detach().numpy()[:, 2]
    score = backend_score(case.backend, case.x, 2)
    np.testing.assert_allclose(score(changed), expected, rtol=2e-4, atol=2e-5)  # float32
    maps = rng.random((1, *case.model.size[1:]))
    curve = deletion(case.x, maps, score, steps=3, batch=2)
    ends = np.concatenate([case.x, 0 * case.x])
    plain, blank = case.net()(torch.from_numpy(ends).double()).detach().numpy()[:, 2]
    np.testing.assert_allclose(curve.scores[0, [0, -1]], [plain, blank], rtol=2e-4, atol=2e-5)


def test_weights_are_shuffled_from_the_head_on(case: Case) -> None:
    """What is told of the first step is that A stays as it is, for the head alone was shuffled."""
    layer = case.default
    found = cascade(case.backend, lambda b: b.look(case.x).activations[layer][0], steps=3)
    assert len(found.weights[0]) == 1
    assert found.weights[0][0].startswith("head")
    np.testing.assert_allclose(found.similarity[0], 1)
    assert found.similarity[-1].mean() < 0.9
