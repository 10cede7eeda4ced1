"""Ablation-CAM against a loop over single runs of torch, and pytorch-grad-cam's numbers."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core import explain, explain_all
from cam_core.methods.ablation_cam import floors

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend  # noqa: E402
from backends.torch import TorchBackend  # noqa: E402
from tests.core.methods.counted import counted  # noqa: E402
from tests.core.methods.forward_net import module, net, pictures  # noqa: E402

Array = np.ndarray
CLASSES = [1, 3]
# AblationCAM(...).get_cam_weights of pytorch-grad-cam 1.5.7 on forward_net.module()[3].
PEER = [
    [-0.161235, 0.001601, 0, 0.138296, 0.0100690, 0.688908, 0.430423, 0.0195530],
    [0.711838, -9.84041, 0, 6.475466, -4.788121, 0.722006, 6.528548, 0.407892],
]


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend(net())


def without(layer: int, fill: float | None) -> Array:
    """(Y - Y_k) / Y, channel by channel; fill None: below the row's own minimum."""
    run, x = module(), pictures()
    first, rest = run[: layer + 1], run[layer + 1 :]
    found = []
    with torch.no_grad():
        for n, c in enumerate(CLASSES):
            A = first(torch.from_numpy(x[n : n + 1]))
            Y = float(rest(A)[0, c])
            row = []
            for k in range(A.shape[1]):
                less = A.clone()
                less[:, k] = A.min() - 3 if fill is None else fill
                row.append((Y - float(rest(less)[0, c])) / Y)
            found.append(row)
    return np.array(found)


@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_the_weights_are_pytorch_grad_cams(kind: str, backend: OnnxBackend) -> None:
    live = TorchBackend(module(), example=pictures(), layer="3")
    for options in ({}, {"floor": 1e7}):  # the minimum is 0: the floor does not count
        found = explain(
            backend if kind == "onnx" else live, pictures(), CLASSES, "ablationcam", **options
        ).alpha
        np.testing.assert_allclose(found[..., 0, 0], PEER, rtol=1e-4, atol=1e-6)  # type: ignore[index]


def test_as_the_paper_has_it_at_any_layer(backend: OnnxBackend) -> None:
    for name, layer in (("r2", 3), ("c2", 2), ("r1", 1)):
        found = explain(backend, pictures(), CLASSES, "ablationcam", layer=name).alpha
        expected = without(layer, 0)
        np.testing.assert_allclose(found[..., 0, 0], expected, rtol=1e-3, atol=1e-5)  # type: ignore[index]


def test_a_floor_lies_below_the_least_of_each_row(backend: OnnxBackend) -> None:
    found = explain(backend, pictures(), CLASSES, "ablationcam", layer="c2", floor=3.0).alpha
    np.testing.assert_allclose(found[..., 0, 0], without(2, None), rtol=1e-3, atol=1e-5)  # type: ignore[index]
    A = np.array([[[-1.0, 2.0]], [[0.0, 2.0]], [[1.0, 2.0]]])
    np.testing.assert_array_equal(floors(A, 3), [-4, 0, -2])


def test_five_targets_cost_the_tails_of_one(
    backend: OnnxBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = counted(monkeypatch)
    explain_all(backend, pictures(), [0, 1, 2, 3, [1, 3]], ["ablationcam"], layers=["r1"])
    assert rows == {"looks": 2, "tails": 2 * 6}


def test_a_score_of_zero_has_no_shares() -> None:
    model = net()
    for tensor in model.graph.initializer:
        if tensor.name in ("v", "u"):
            tensor.raw_data = bytes(len(tensor.raw_data))
    found = explain(OnnxBackend(model), pictures(), 1, "ablationcam")
    np.testing.assert_array_equal(found.alpha, 0)  # type: ignore[arg-type]
    assert found.blank.all()
