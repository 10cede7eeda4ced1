"""Regions of a live module, which does not know where its score lies: against torch itself."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core import explain, open_backend
from cam_core.errors import TargetError

torch = pytest.importorskip("torch", reason="a live module is torch's")


def test_a_region_is_asked_by_its_class_and_no_place_is_guessed(rng: np.random.Generator) -> None:
    torch.manual_seed(0)
    first, last = torch.nn.Conv2d(3, 6, 3, padding=1), torch.nn.Conv2d(6, 4, 1)
    net = torch.nn.Sequential(first, torch.nn.ReLU(), last).eval()
    x = rng.normal(size=(2, 3, 8, 12)).astype(np.float32)
    A = torch.relu(first(torch.tensor(x))).detach().requires_grad_()
    z = last(A)
    Y = torch.stack([row[2][row.argmax(0) == 2].mean() for row in z])
    Y.sum().backward()
    backend = open_backend(net)
    found = explain(backend, x, "region:2", "hirescam", layer="1")
    np.testing.assert_allclose(found.score, Y.detach().numpy(), rtol=1e-5)
    expected = (A.grad * A).sum(1).detach().numpy()
    np.testing.assert_allclose(found.signed, expected, rtol=1e-4, atol=1e-7)
    assert found.outline is None
    with pytest.raises(TargetError, match="whose numbers lie at no known place: ask for a class"):
        explain(backend, x, "2@3,4", layer="1")
