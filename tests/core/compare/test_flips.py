"""The maps of B's answer where that is another: those of each photo alone, by torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")

from cam_core.compare import compare, flips  # noqa: E402
from tests.core.two_networks import BACKENDS, MODELS, network  # noqa: E402

CNN = MODELS["cnn"]


def signed(net: Any, photo: Any, index: int, scale: float) -> Any:
    """Grad-CAM by hand: the mean gradient of a class times the activations."""
    A = CNN.activations(net, photo, "late").detach().requires_grad_()
    CNN.score(net, photo, "late", A)[0, index].backward()
    return scale * (A.grad.mean((2, 3), keepdim=True) * A).sum(1)[0].detach().numpy()


@pytest.mark.parametrize("method", ["gradcam", "best", "reciprocam"])
def test_maps_of_bs_answer_are_those_of_its_photo(method: str) -> None:
    from backends.torch import TorchBackend

    coarse = np.random.default_rng(6).normal(size=(12, 3, 4, 6))
    x = coarse.repeat(2, axis=2).repeat(2, axis=3).astype(np.float32)
    a = TorchBackend(network(CNN), example=x[:1])
    order = [1, 0, 3, 4, 2]
    b = BACKENDS["onnx"](CNN).with_weights(
        lambda name, w: (2 * w)[order] if name == "head_weight" else w
    )
    found = compare(a, b, x, sample=0, method=method)
    flipped = [one for one in found.pairs if one.flips]
    assert len(flipped) > 0
    net = network(CNN).double()
    for one in flipped:
        assert one.answers is not None
        assert one.answer_maps is not None
        theirs = one.answers[1].index
        photo = torch.from_numpy(x[one.index : one.index + 1]).double()
        expected = (
            signed(net, photo, theirs, 1.0),
            signed(net, photo, order[theirs], 2.0),
        )
        r = pearsonr(expected[0].ravel(), expected[1].ravel())[0]
        if method == "gradcam":
            for seen, own in zip(one.answer_maps, expected, strict=True):
                np.testing.assert_allclose(seen.signed, own, rtol=1e-3, atol=1e-5)
            assert one.of_answer["pearson"] == pytest.approx(r, abs=1e-4)
        else:  # no capture's rows, all of them
            single = compare(a, b, x[one.index : one.index + 1], sample=0, method=method)
            own = single.pairs[0].of_answer["pearson"]
            assert one.of_answer["pearson"] == pytest.approx(own, abs=1e-4)


def test_a_method_with_options_is_worked_out_of_a_capture_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the photos whose answer is another alone, as without options."""
    whole: list[str] = []
    kept = flips._of_all
    monkeypatch.setattr(flips, "_of_all", lambda *a: whole.append(a[2]) or kept(*a))
    from backends.torch import TorchBackend

    coarse = np.random.default_rng(6).normal(size=(12, 3, 4, 6))
    x = coarse.repeat(2, axis=2).repeat(2, axis=3).astype(np.float32)
    a = TorchBackend(network(CNN), example=x[:1])
    order = [1, 0, 3, 4, 2]
    b = BACKENDS["onnx"](CNN).with_weights(
        lambda name, w: (2 * w)[order] if name == "head_weight" else w
    )
    for method in ("gradcam++:eps=0.001", "best", "reciprocam"):
        assert any(one.flips for one in compare(a, b, x, sample=0, method=method).pairs)
    assert sorted(set(whole)) == ["best", "reciprocam"]
