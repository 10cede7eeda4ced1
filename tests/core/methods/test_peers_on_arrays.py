"""Every method of pytorch-grad-cam that is a function of A and G, on the same A and G."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cam_core.maps.combine import combine
from cam_core.methods import METHODS
from tests.core.methods.peer_net import (
    CLASS,
    LAYER,
    as_signed,
    layer_values,
    module,
    peer,
    pictures,
)

torch = pytest.importorskip("torch")
Array = np.ndarray
Ours = Callable[[Array, Array], Array]


def method(name: str, **options: Any) -> Ours:
    """The signed map of one of ours."""
    row = METHODS[name]

    def signed(A: Array, G: Array) -> Array:
        found = row(A, G, **options)
        return found if row.gives == "map" else combine(A, found)

    return signed


def eigen(A: Array, G: Array) -> Array:
    """Its EigenGradCAM takes the mean of G A away: our `hirescam` with `smooth="eigen"`."""
    return METHODS["eigencam-centred"](G * A)


ROWS: dict[str, Ours] = {
    "GradCAM": method("gradcam"),
    "GradCAMPlusPlus": method("gradcam++", eps=1e-6),
    "XGradCAM": method("xgradcam"),
    "HiResCAM": method("hirescam"),
    "LayerCAM": method("layercam"),
    "GradCAMElementWise": method("elementwise"),
    "FEM": method("fem"),
    "EigenCAM": method("eigencam-centred"),
    "EigenGradCAM": eigen,
}
"""By the name of its class."""
WITH_A_MODEL = {"ScoreCAM", "AblationCAM", "ShapleyCAM", "FullGrad"}
"""Functions of more than A and G: test_peers.py."""
WITHOUT = {
    "RandomCAM": "draws its weights without a seed",
    "KPCA_CAM": "a kernel of sklearn's; no row of ours",
    "SegEigenCAM": "no row of ours",
}


def test_no_class_of_it_is_left_out() -> None:
    cam = peer("pytorch_grad_cam")
    base = cam.grad_cam.BaseCAM
    listed = {name for name, one in vars(cam).items() if isinstance(one, type)}
    found = {name for name in listed if issubclass(getattr(cam, name), base)}
    assert found == ROWS.keys() | WITH_A_MODEL | WITHOUT.keys()


@pytest.mark.filterwarnings("ignore")  # the peer's own, of the packages it loads
@pytest.mark.parametrize("name", ROWS)
def test_the_signed_map_is_pytorch_grad_cams(name: str) -> None:
    """1e-5 of the largest: its sums are in float32, in another order."""
    cam = peer("pytorch_grad_cam")
    net, (A, G) = module(), layer_values()
    theirs = getattr(cam, name)(net, [net.get_submodule(LAYER)])
    target = [cam.utils.model_targets.ClassifierOutputTarget(CLASS)] * len(A)
    x = torch.from_numpy(pictures())
    expected = theirs.get_cam_image(x, net[3], target, A.copy(), G.copy(), False)
    found = ROWS[name](A, G)
    if name.startswith("Eigen"):
        expected = as_signed(expected, found)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
