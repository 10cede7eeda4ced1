"""Functions in JAX as .onnx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cam_core import explain, open_backend
from tests.core.framework_networks import convolved

jax = pytest.importorskip("jax", reason="JAX is not installed")
pytest.importorskip("jax2onnx", reason="jax2onnx is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # jax2onnx's own


def test_it_computes_the_same_and_looks_at_the_same(tmp_path: Path) -> None:
    from converters.jax import to_onnx

    rng = np.random.default_rng(0)
    w = {n: rng.normal(size=s).astype(np.float32) for n, s in SHAPES.items()}
    x = rng.random((2, 9, 8, 3)).astype(np.float32)
    path, parity = to_onnx(lambda x: net(w, x, lambda name, t: t), tmp_path / "a.onnx", example=x)
    assert parity is not None
    assert parity.same
    theirs = explain(open_backend(net, backend="jax", params=w), x, 2, layer="late")
    backend = open_backend(path)
    assert [i.name for i in backend.inputs()] == ["x"]
    mine = explain(backend, x, 2)
    scale = np.abs(theirs.signed).max()
    np.testing.assert_allclose(mine.signed, theirs.signed, rtol=0, atol=1e-4 * scale)


SHAPES = {"c": (3, 3, 3, 4), "h": (4, 5)}


def net(w: Any, x: Any, tap: Any) -> Any:
    late = tap("late", jax.numpy.tanh(convolved(x, w["c"], 1, 1)))
    return late.mean((1, 2)) @ w["h"]
