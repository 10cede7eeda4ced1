"""Recipro-CAM against loops over single runs of torch, of maps and of tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core import explain, explain_all
from cam_core.methods.recipro_cam import window

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend  # noqa: E402
from backends.torch import TorchBackend  # noqa: E402
from tests.core.methods.counted import counted  # noqa: E402
from tests.core.methods.forward_net import module, net, pictures  # noqa: E402
from tests.core.methods.tokens import tokens  # noqa: E402

Array = np.ndarray
CLASSES = [1, 3]
GAUSSIAN = [[1 / 16, 1 / 8, 1 / 16], [1 / 8, 1 / 4, 1 / 8], [1 / 16, 1 / 8, 1 / 16]]
"""The kernel that the paper prints."""


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend(net())


def loops(layer: int, *, gaussian: bool) -> Array:
    """The score of each place alone, less that of none, run by run."""
    run, x = module(), pictures()
    first, rest = run[: layer + 1], run[layer + 1 :]
    with torch.no_grad():
        A = first(torch.from_numpy(x))
        _, _, H, W = A.shape
        found = np.zeros((2, H, W))
        for n, c in enumerate(CLASSES):
            empty = float(rest(0 * A[n : n + 1])[0, c])
            for i in range(H):
                for j in range(W):
                    kept = torch.zeros_like(A[n : n + 1])
                    for di in (-1, 0, 1):
                        for dj in (-1, 0, 1):
                            y, z = i + di, j + dj
                            inside = 0 <= y < H and 0 <= z < W
                            factor = GAUSSIAN[di + 1][dj + 1] if gaussian else (di == dj == 0)
                            if inside:
                                kept[0, :, y, z] = factor * A[n, :, y, z]
                    found[n, i, j] = float(rest(kept)[0, c]) - empty
    return found


@pytest.mark.parametrize("gaussian", [True, False])
@pytest.mark.parametrize(("name", "layer"), [("r2", 3), ("r1", 1)])
def test_every_place_alone(backend: OnnxBackend, name: str, layer: int, gaussian: bool) -> None:
    found = explain(backend, pictures(), CLASSES, "reciprocam", layer=name, gaussian=gaussian)
    expected = loops(layer, gaussian=gaussian)
    np.testing.assert_allclose(found.signed, expected, rtol=1e-3, atol=2e-5)
    np.testing.assert_array_equal(found.map, np.maximum(found.signed, 0))
    assert found.alpha is None


def test_a_place_of_a_linear_head_is_hirescam(backend: OnnxBackend) -> None:
    """Mean over 35 places and a linear layer: Y(one place) - Y(none) = sum_k G A there."""
    found = explain(backend, pictures(), CLASSES, "reciprocam", gaussian=False)
    other = explain(backend, pictures(), CLASSES, "hirescam")
    np.testing.assert_allclose(found.signed, other.signed, rtol=1e-3, atol=2e-6)


def test_the_window_is_cut_at_the_edges() -> None:
    whole = window([1, 1], (3, 3), gaussian=True)
    np.testing.assert_allclose(whole, GAUSSIAN)
    corner = window([0, 2], (3, 3), gaussian=True)
    np.testing.assert_allclose(corner, [[0, 1 / 8, 1 / 4], [0, 1 / 16, 1 / 8], [0, 0, 0]])
    np.testing.assert_array_equal(window([1], (3,), gaussian=False), [0, 1, 0])
    assert window([], (), gaussian=True) == 1


def on_tokens(run: Any, x: Any, c: int, path: str, cell: int | None) -> float:
    """The score where of the patches one is kept, or none; the class token stays."""

    def hook(_module: Any, _inputs: Any, t: Any) -> Any:
        kept = torch.zeros_like(t)
        kept[:, 0] = t[:, 0]
        if cell is not None:
            kept[:, 1 + cell] = t[:, 1 + cell]
        return kept

    handle = run.get_submodule(path).register_forward_hook(hook)
    with torch.no_grad():
        y = float(run(x)[0, c])
    handle.remove()
    return y


def test_of_tokens_the_class_token_is_kept(rng: np.random.Generator) -> None:
    run, x = tokens(), rng.normal(size=(2, 3, 8, 12)).astype(np.float32)
    backend = TorchBackend(run, example=x, layout="N(1+2*3)C")
    for path in ("blocks.1.norm1", "blocks.0"):
        found = explain(backend, x, CLASSES, "reciprocam", layer=path, gaussian=False)
        for n, c in enumerate(CLASSES):
            row = torch.from_numpy(x[n : n + 1])
            empty = on_tokens(run, row, c, path, None)
            alone = [on_tokens(run, row, c, path, cell) - empty for cell in range(6)]
            expected = np.reshape(alone, (2, 3))
            np.testing.assert_allclose(found.signed[n], expected, rtol=1e-3, atol=1e-5)
            assert np.ptp(expected) > 1e-3


def test_five_targets_cost_the_tails_of_one(
    backend: OnnxBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = counted(monkeypatch)
    explain_all(backend, pictures(), [0, 1, 2, 3, [1, 3]], ["reciprocam"], layers=["r1"])
    assert rows == {"looks": 2, "tails": 2 * (10 * 14 + 1)}
