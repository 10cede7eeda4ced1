"""The figures of docs/math.md on logits and probabilities: a class against its rivals."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
made = pytest.importorskip("examples.docs.probability_maps", reason="this tree has no examples")

from cam_core import explain, open_backend  # noqa: E402
from cam_core.backend import Array  # noqa: E402
from cam_core.demo import MODEL  # noqa: E402

COUNT = 24
"""Maps, of the first of the page's scenes."""


@pytest.fixture(scope="module")
def asked() -> list[tuple[Array, int]]:
    found = made.scenes(open_backend(MODEL.read_bytes()))
    return [next(found) for _ in range(COUNT)]


def test_the_likeness_is_that_of_the_map_less_the_mean_of_all(
    asked: list[tuple[Array, int]],
) -> None:
    """dp^c/dA = p^c (dy^c/dA - sum_j p^j dy^j/dA): made of the maps of all logits."""
    backend = open_backend(MODEL.read_bytes())
    for x, c in asked[:4]:
        y = backend.look(x, layers=()).score[0].astype(np.float64)
        p = np.exp(y - y.max()) / np.exp(y - y.max()).sum()
        logits = np.stack([explain(backend, x, j).signed[0] for j in range(len(y))])
        against = p[c] * (logits[c] - np.tensordot(p, logits, 1))
        expected = np.corrcoef(logits[c].ravel(), against.ravel())[0, 1]
        r, sure = made.likeness(backend, x, c)
        # Float32 maps whose differences are at most a hundredth of them.
        np.testing.assert_allclose((r, sure), (expected, p[c]), atol=1e-3)


def test_a_sure_class_has_the_map_of_its_logit_and_a_rival_another(
    asked: list[tuple[Array, int]],
) -> None:
    """The page has medians of 0.94 of all, 1.00 of the sure ones and 0.93 of the others."""
    backend = open_backend(MODEL.read_bytes())
    r, p = np.array([made.likeness(backend, x, c) for x, c in asked]).T
    assert (p >= 0.9).sum() >= 3
    assert np.median(r[p >= 0.9]) > 0.98
    assert 0.85 < np.median(r[p < 0.9]) < 0.98
    assert r.min() < 0.9
