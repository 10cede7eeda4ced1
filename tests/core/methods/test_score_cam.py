"""Score-CAM and its kin against loops over single runs of torch, and pytorch-grad-cam's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cam_core import explain, explain_all
from cam_core.errors import InputError

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend  # noqa: E402
from backends.torch import TorchBackend  # noqa: E402
from tests.core.methods.counted import counted  # noqa: E402
from tests.core.methods.forward_net import SIZE, module, net, pictures  # noqa: E402

Array = np.ndarray
CLASSES = [1, 3]
K = 8
# ScoreCAM(...).get_cam_weights of pytorch-grad-cam 1.5.7 on forward_net.module()[3], these classes.
PEER = [
    [0.079798, 0.151631, 0.169677, 0.101618, 0.125023, 0.057956, 0.148378, 0.16592],
    [0.148157, 0.091332, 0.13587, 0.141178, 0.12044, 0.120844, 0.111616, 0.130564],
]
AS_PEER: dict[str, Any] = {"align_corners": True, "eps": 1e-8}


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend(net())


@pytest.fixture(scope="module")
def maps() -> Array:
    """A of the last ReLU, by torch."""
    with torch.no_grad():
        found: Array = module()[:4](torch.from_numpy(pictures())).numpy()
    return found


def up(a: Array) -> Array:
    """One map [H, W] at the size of the picture."""
    large = torch.nn.functional.interpolate(
        torch.from_numpy(a)[None, None], size=SIZE, mode="bilinear", align_corners=False
    )
    found: Array = large[0, 0].numpy()
    return found


def stretch(large: Array) -> Array:
    low, high = large.min(), large.max()
    return (large - low) / (high - low) if high > low else 0 * large


def weights(maps: Array, mean: Callable[[Array, Callable[[Array], float]], float]) -> Array:
    """The softmax over channels of a mean score, run by run [N, K]."""
    run, x = module(), pictures()
    found = np.zeros((2, K))
    for n, c in enumerate(CLASSES):

        def score(mask: Array, n: int = n, c: int = c) -> float:
            with torch.no_grad():
                return float(run(torch.from_numpy(x[n : n + 1] * mask.astype(np.float32)))[0, c])

        scores = [mean(maps[n, k], score) for k in range(K)]
        found[n] = np.exp(scores) / np.sum(np.exp(scores))
    return found


@pytest.mark.parametrize("make", [OnnxBackend, TorchBackend])
def test_the_weights_are_pytorch_grad_cams(make: Any) -> None:
    backend = (
        OnnxBackend(net())
        if make is OnnxBackend
        else TorchBackend(module(), example=pictures(), layer="3")
    )
    found = explain(backend, pictures(), CLASSES, "scorecam", **AS_PEER)
    np.testing.assert_allclose(found.alpha[..., 0, 0], PEER, atol=2e-6)  # type: ignore[index]


def test_as_the_paper_has_it(backend: OnnxBackend, maps: Array) -> None:
    found = explain(backend, pictures(), CLASSES, "scorecam")
    alpha = weights(maps, lambda a, score: score(stretch(up(a))))
    assert found.alpha is not None
    np.testing.assert_allclose(found.alpha[..., 0, 0], alpha, rtol=1e-4)
    signed = np.einsum("nk,nkhw->nhw", alpha, maps)
    np.testing.assert_allclose(found.signed, signed, rtol=1e-4, atol=1e-5)
    assert np.max(np.abs(alpha - PEER)) > 0.01, "masks by aligned corners are others"


def test_a_baseline_would_change_nothing(maps: Array) -> None:
    """The paper's increase of confidence: a number that all channels share."""
    plain = weights(maps, lambda a, score: score(stretch(up(a))))
    less = weights(maps, lambda a, score: score(stretch(up(a))) - score(0 * up(a)))
    np.testing.assert_allclose(less, plain, rtol=1e-6)


def test_the_channels_that_vary_most(backend: OnnxBackend, maps: Array) -> None:
    found = explain(backend, pictures(), CLASSES, "fast-scorecam", channels=3).alpha
    whole = explain(backend, pictures(), CLASSES, "scorecam").alpha
    assert found is not None
    assert whole is not None
    for n in range(2):
        spread = [float(np.std(maps[n, k])) for k in range(K)]
        best = sorted(range(K), key=lambda k: -spread[k])[:3]
        share = sum(whole[n, k, 0, 0] for k in best)
        for k in range(K):
            expected = whole[n, k, 0, 0] / share if k in best else 0
            np.testing.assert_allclose(found[n, k, 0, 0], expected, rtol=1e-4)


def test_integrated(backend: OnnxBackend, maps: Array) -> None:
    found = explain(backend, pictures(), CLASSES, "iscam", samples=3).alpha
    alpha = weights(
        maps, lambda a, score: float(np.mean([score(stretch(up(a)) * i / 3) for i in (1, 2, 3)]))
    )
    np.testing.assert_allclose(found[..., 0, 0], alpha, rtol=1e-4)  # type: ignore[index]
    found = explain(backend, pictures(), CLASSES, "iscam", samples=3, cumulative=True).alpha
    factors = (1 / 3, 1, 2)  # 1/3, 1/3 + 2/3, 1/3 + 2/3 + 3/3
    alpha = weights(
        maps, lambda a, score: float(np.mean([score(stretch(up(a)) * f) for f in factors]))
    )
    np.testing.assert_allclose(found[..., 0, 0], alpha, rtol=1e-4)  # type: ignore[index]


def test_smoothed(backend: OnnxBackend, maps: Array) -> None:
    plain = explain(backend, pictures(), CLASSES, "scorecam").alpha
    still = explain(backend, pictures(), CLASSES, "sscam", samples=2, std=0).alpha
    np.testing.assert_allclose(still, plain, rtol=1e-4)  # type: ignore[arg-type]
    found = explain(backend, pictures(), CLASSES, "sscam", samples=2, std=0.5).alpha
    place = iter(range(2 * K))

    def mean(a: Array, score: Callable[[Array], float]) -> float:
        n, k = divmod(next(place), K)
        noise = [
            np.random.default_rng([0, k, i]).standard_normal((2, *SIZE), np.float32)[n]
            for i in (0, 1)
        ]
        return float(np.mean([score(stretch(up(a) + 0.5 * e)) for e in noise]))

    alpha = weights(maps, mean)
    np.testing.assert_allclose(found[..., 0, 0], alpha, rtol=1e-3)  # type: ignore[index]
    assert np.max(np.abs(alpha - plain[..., 0, 0])) > 0.01  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "options", "passes"),
    [
        ("scorecam", {}, 7 + 1),  # one channel is dead: its mask is black
        ("fast-scorecam", {"channels": 3}, 3),
        ("sscam", {"samples": 2}, 2 * 8),
        ("iscam", {"samples": 3, "channels": 2}, 3 * 2),
    ],
)
def test_five_targets_cost_the_passes_of_one(
    name: str,
    options: dict[str, Any],
    passes: int,
    backend: OnnxBackend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = counted(monkeypatch)
    x = pictures()
    found = explain_all(backend, x, [0, 1, 2, 3, [1, 3]], [name], **options)
    assert rows == {"looks": 2 + 2 * passes}
    rows.clear()
    alone = explain(backend, x, [1, 3], name, **options)
    np.testing.assert_array_equal(found[4].signed, alone.signed)
    assert rows == {"looks": 2 + 2 * passes}


def test_options_and_layers_do_not_share_passes(
    backend: OnnxBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = counted(monkeypatch)
    found = explain_all(backend, pictures(), [1], ["scorecam"], layers=["r1", "r2"])
    assert rows == {"looks": 2 + 2 * (6 + 8)}
    assert [e.map.shape for e in found] == [(2, 10, 14), (2, 5, 7)]


def test_no_channels_are_refused(backend: OnnxBackend) -> None:
    with pytest.raises(InputError, match="channels=0: Score-CAM needs at least one"):
        explain(backend, pictures(), 1, "fast-scorecam", channels=0)
    for name in ("sscam", "iscam"):
        with pytest.raises(
            InputError, match="samples=0: Score-CAM needs at least one of each mask"
        ):
            explain(backend, pictures(), 1, name, samples=0)


def test_channels_without_places_weigh_alike(backend: OnnxBackend) -> None:
    """Of a map of one cell every mask is black, and the scores are one."""
    found = explain(backend, pictures(), CLASSES, "scorecam", layer="gap")
    assert found.alpha is not None
    assert found.alpha.ravel().tolist() == [1 / K] * 2 * K
