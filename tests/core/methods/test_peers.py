"""Peers on the live torch module against ours on the file that torch writes of it.

1e-3 of the largest value: two runtimes, and float32 on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cam_core import explain
from cam_core.maps.combine import heatmap, normalise, positive

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from tests.core.methods.peer_net import (  # noqa: E402
    CLASS,
    LAYER,
    exported,
    layer_values,
    module,
    peer,
    pictures,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # the peers' own, and the exporter's
Array = np.ndarray
SIZE = pictures().shape[2:]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return exported(tmp_path_factory.mktemp("peers"))


def close(found: Array, expected: Any) -> None:
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max(), rtol=0)


FINAL: list[tuple[str, str, dict[str, Any]]] = [  # their class, our method, options
    ("GradCAM", "gradcam", {}),
    ("GradCAMPlusPlus", "gradcam++", {"eps": 1e-6}),
    ("XGradCAM", "xgradcam", {}),
    ("HiResCAM", "hirescam", {}),
    ("LayerCAM", "layercam", {}),
    ("GradCAMElementWise", "elementwise", {}),
    ("FEM", "fem", {}),
    ("EigenCAM", "eigencam-centred", {}),
    ("EigenGradCAM", "hirescam", {"smooth": "eigen"}),
    ("ShapleyCAM", "shapleycam", {}),
    ("ScoreCAM", "scorecam", {"align_corners": True, "eps": 1e-8}),
    ("AblationCAM", "ablationcam", {"floor": 1e7}),
]


def targets(cam: Any) -> list[Any]:
    return [cam.utils.model_targets.ClassifierOutputTarget(CLASS)] * len(pictures())


@pytest.mark.parametrize(("theirs", "ours", "options"), FINAL, ids=[row[0] for row in FINAL])
def test_the_final_map_is_pytorch_grad_cams(
    theirs: str, ours: str, options: dict[str, Any], backend: Any
) -> None:
    cam, net = peer("pytorch_grad_cam"), module()
    made = getattr(cam, theirs)(net, [net.get_submodule(LAYER)])
    expected = made(torch.from_numpy(pictures()), targets(cam))
    found = explain(backend, pictures(), CLASS, ours, layer=LAYER, **options)
    maps = found.heatmap(SIZE)
    if theirs.startswith("Eigen"):  # its sign is what the decomposition happens to give
        turned = heatmap(positive(-found.signed), SIZE)
        off = np.abs(maps - expected).max(axis=(1, 2)) > 0.1
        maps[off] = turned[off]
    close(maps, expected)


def test_finer_is_a_target(backend: Any) -> None:
    cam, net, x = peer("pytorch_grad_cam"), module(), torch.from_numpy(pictures())
    tops = net(x).argmax(dim=1).tolist()
    expected = cam.FinerCAM(net, [net.get_submodule(LAYER)])(x, None)
    for row, top in enumerate(tops):
        found = explain(backend, pictures(), f"finer:{top}", "gradcam", layer=LAYER)
        close(found.heatmap(SIZE)[row], expected[row])


def test_refined_is_the_product_of_final_maps(backend: Any) -> None:
    """Theirs at the size of the picture; `fuse="product"` multiplies at that of the layer."""
    cam, net = peer("pytorch_grad_cam"), module()
    made = cam.RefineCAM(net, [net[1], net[3]])
    expected = made(torch.from_numpy(pictures()), targets(cam))
    first, last = (
        explain(backend, pictures(), CLASS, "gradcam++", layer=layer, eps=1e-6).heatmap(SIZE)
        for layer in ("1", "3")
    )
    close(normalise(first * last), expected)


def test_two_layers_are_their_mean(backend: Any) -> None:
    cam, net = peer("pytorch_grad_cam"), module()
    made = cam.GradCAM(net, [net[3], net[5]])
    found = explain(backend, pictures(), CLASS, "gradcam", layer=["3", "5"], fuse="mean")
    close(found.heatmap(SIZE), made(torch.from_numpy(pictures()), targets(cam)))


def test_guided_is_pytorch_grad_cams(backend: Any) -> None:
    made = peer("pytorch_grad_cam").GuidedBackpropReLUModel(module())
    rows = [made(torch.from_numpy(x[None]), CLASS) for x in pictures()]
    found = explain(backend, pictures(), CLASS, "guided")
    close(found.map, np.abs(np.stack(rows)).max(axis=3))


Captum = Callable[[Any, Any, Any], Any]
CAPTUM: dict[str, tuple[Captum, dict[str, Any]]] = {
    "gradcam": (lambda a, m, x: a.LayerGradCam(m, m[3]).attribute(x, target=CLASS)[:, 0], {}),
    "hirescam": (
        lambda a, m, x: a.LayerGradientXActivation(m, m[3]).attribute(x, target=CLASS).sum(dim=1),
        {},
    ),
    "gradient": (lambda a, m, x: a.Saliency(m).attribute(x, target=CLASS).amax(dim=1), {}),
    "gradientxinput": (
        lambda a, m, x: a.InputXGradient(m).attribute(x, target=CLASS).sum(dim=1),
        {},
    ),
    "guided": (
        lambda a, m, x: a.GuidedBackprop(m).attribute(x, target=CLASS).abs().amax(dim=1),
        {},
    ),
    "integrated": (
        lambda a, m, x: a.IntegratedGradients(m).attribute(x, target=CLASS, n_steps=12).sum(dim=1),
        {"baseline": 0.0, "steps": 12},
    ),
    "occlusion": (
        lambda a, m, x: a.Occlusion(m).attribute(
            x, target=CLASS, sliding_window_shapes=(3, 8, 8), strides=(3, 4, 4)
        )[:, 0],
        {"baseline": 0.0, "window": 8, "stride": 4},
    ),
}


@pytest.mark.parametrize("name", CAPTUM)
def test_the_signed_map_is_captums(name: str, backend: Any) -> None:
    make, options = CAPTUM[name]
    x = torch.from_numpy(pictures()).requires_grad_()
    expected = make(peer("captum.attr"), module(), x)
    layered = {"layer": LAYER} if name in ("gradcam", "hirescam") else {}
    close(explain(backend, pictures(), CLASS, name, **layered, **options).signed, expected)


def torch_cam(name: str, layer: str = LAYER, **options: Any) -> Array:
    """Its map, not normalised."""
    methods, net = peer("torchcam.methods"), module()
    made = getattr(methods, name)(net, layer, input_shape=(3, *SIZE), **options)
    (found,) = made(CLASS, net(torch.from_numpy(pictures())), normalized=False)
    arrays: Array = found.detach().numpy()
    return arrays


@pytest.mark.parametrize(
    ("theirs", "ours"), [("GradCAM", "gradcam"), ("XGradCAM", "xgradcam"), ("LayerCAM", "layercam")]
)
def test_the_map_is_torch_cams(theirs: str, ours: str, backend: Any) -> None:
    close(explain(backend, pictures(), CLASS, ours, layer=LAYER).map, torch_cam(theirs))


def test_cam_is_torch_cams(backend: Any) -> None:
    """It takes no ReLU."""
    found = explain(backend, pictures(), CLASS, "cam", layer="5").signed
    close(found, torch_cam("CAM", "5", fc_layer="8"))


def test_torch_cams_plus_plus_is_not_divided(backend: Any) -> None:
    """0.5.0: the division is of a copy, so that alpha is sum_S G^2 ReLU(G)."""
    A, G = layer_values()
    alpha = np.sum(np.maximum(G, 0) * G**2, axis=(2, 3), keepdims=True)
    close(np.maximum(np.sum(alpha * A, axis=1), 0), torch_cam("GradCAMpp"))
    found = explain(backend, pictures(), CLASS, "gradcam++", layer=LAYER).map
    own, theirs = (m / m.max(axis=(1, 2), keepdims=True) for m in (found, torch_cam("GradCAMpp")))
    assert np.abs(own - theirs).max() > 0.3  # 0.41 of a map from 0 to 1
