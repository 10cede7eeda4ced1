"""What others take for the same, on the live torch module with the same weights and picture.

Each is called as its documentation does it. Methods of many passes run as many as are asked for:
their cost is one of passes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np

from benchmarks.speed.blocks import Run

from .parts import WINDOWS

CLASS = 3
BATCH = 16
"""Of pytorch-grad-cam's methods of many passes."""
AUTHORS_BATCH = 100
"""Of the authors' RISE (`batch_size` in its notebook)."""
BEST = 8
"""Of 4 or 8 pictures at once torch takes least time for each."""


@dataclass(frozen=True)
class Asked:
    """What a peer is to explain."""

    module: Any
    layer: str
    x: Any
    count: int
    """How many passes of a method of many."""

    @property
    def part(self) -> Any:
        """The layer itself."""
        return self.module.get_submodule(self.layer)


Made = tuple[Run, int]
"""One run, and how many passes it takes of a method of many; 0 where it is the whole method."""
Make = Callable[[Asked], Made]


def grad_cam(name: str, **options: Any) -> Make:
    """A class of pytorch-grad-cam."""

    def made(asked: Asked) -> Made:
        import pytorch_grad_cam

        cam = getattr(pytorch_grad_cam, name)(asked.module, [asked.part], **options)
        return lambda: cam(asked.x, _targets(asked)), 0

    return made


def grad_cam_passes(name: str, batch: int | None = None) -> Make:
    """The weights of the first channels by a class of it that runs the model for each."""

    def made(asked: Asked) -> Made:
        import pytorch_grad_cam

        cam = getattr(pytorch_grad_cam, name)(asked.module, [asked.part])
        if batch is not None:
            cam.batch_size = batch
        count = max(asked.count, getattr(cam, "batch_size", BATCH))
        A = _activations(asked)[:, :count]

        def run() -> None:
            with redirect_stderr(StringIO()):  # its progress bar
                cam.activations_and_grads.clear()  # as each call of it does
                cam.get_cam_weights(asked.x, asked.part, _targets(asked), A, None)

        return run, A.shape[1] + (name == "AblationCAM")  # that one runs the whole picture too

    return made


def _targets(asked: Asked) -> list[Any]:
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    return [ClassifierOutputTarget(CLASS)] * len(asked.x)


def _activations(asked: Asked) -> Any:
    held: list[Any] = []
    handle = asked.part.register_forward_hook(lambda _m, _i, A: held.append(A.detach().numpy()))
    asked.module(asked.x)
    handle.remove()
    return held[-1]


def torch_cam(name: str, **options: Any) -> Make:
    """A class of torch-cam."""

    def made(asked: Asked) -> Made:
        from torchcam import methods

        cam = getattr(methods, name)(asked.module, asked.layer, **options)
        return lambda: cam(CLASS, asked.module(asked.x)), 0

    return made


def torch_cam_passes(name: str, **options: Any) -> Make:
    """The weights of the first channels by a class of it that runs the model for each."""

    def made(asked: Asked) -> Made:
        from torchcam import methods

        cam = getattr(methods, name)(asked.module, asked.layer, **options)
        if name != "ScoreCAM":
            cam.num_samples = asked.count

        def run() -> None:
            cam.enable_hooks()
            asked.module(asked.x)
            kept = asked.count if name == "ScoreCAM" else 1
            cam.hook_a = [A[:, :kept] for A in cam.hook_a]
            cam._get_weights(CLASS, None)

        return run, asked.count + 2  # the picture itself, and once more for its baseline

    return made


def captum(name: str, passes: int = 0, **options: Any) -> Make:
    """A class of captum about the input."""

    def made(asked: Asked) -> Made:
        from captum import attr

        method = getattr(attr, name)(asked.module)
        return lambda: method.attribute(asked.x, target=CLASS, **options), passes

    return made


def captum_steps(asked: Asked) -> Made:
    """Its integrated gradients."""
    from captum.attr import IntegratedGradients

    method = IntegratedGradients(asked.module)
    run = functools.partial(method.attribute, asked.x, target=CLASS, n_steps=asked.count)
    return run, asked.count


def captum_noise(asked: Asked) -> Made:
    """Its SmoothGrad."""
    from captum.attr import NoiseTunnel, Saliency

    method = NoiseTunnel(Saliency(asked.module))
    run = functools.partial(method.attribute, asked.x, target=CLASS, nt_samples=asked.count)
    return run, asked.count


def captum_layer(name: str) -> Make:
    """A class of it that has a layer."""

    def made(asked: Asked) -> Made:
        from captum import attr

        method = getattr(attr, name)(asked.module, asked.part)
        return lambda: method.attribute(asked.x, target=CLASS), 0

    return made


def rise(batch: int) -> Make:
    """The authors' loop: masked pictures in batches, their scores times the masks."""

    def made(asked: Asked) -> Made:
        import torch

        count = max(asked.count, batch)
        size = (count, 1, *asked.x.shape[2:])
        masks = torch.as_tensor(np.random.default_rng(0).random(size, np.float32))

        def run() -> None:
            with torch.no_grad():
                stack = masks * asked.x
                pieces = stack.split(batch)
                scores = torch.cat([torch.softmax(asked.module(one), 1) for one in pieces])
                torch.matmul(scores.T, masks.view(count, -1))

        return run, count

    return made


GRAD_CAM, TORCH_CAM, CAPTUM = "pytorch-grad-cam", "torch-cam", "captum"
AUTHORS = "the authors' loop"
_WINDOW = {
    "sliding_window_shapes": (3, WINDOWS["window"], WINDOWS["window"]),
    "strides": (3, WINDOWS["stride"], WINDOWS["stride"]),
}
PEERS: dict[str, dict[str, Make]] = {
    "gradcam": {
        GRAD_CAM: grad_cam("GradCAM"),
        TORCH_CAM: torch_cam("GradCAM"),
        CAPTUM: captum_layer("LayerGradCam"),
    },
    "gradcam++": {GRAD_CAM: grad_cam("GradCAMPlusPlus"), TORCH_CAM: torch_cam("GradCAMpp")},
    "xgradcam": {GRAD_CAM: grad_cam("XGradCAM"), TORCH_CAM: torch_cam("XGradCAM")},
    "hirescam": {
        GRAD_CAM: grad_cam("HiResCAM"),
        CAPTUM: captum_layer("LayerGradientXActivation"),
    },
    "layercam": {GRAD_CAM: grad_cam("LayerCAM"), TORCH_CAM: torch_cam("LayerCAM")},
    "cam": {TORCH_CAM: torch_cam("CAM", fc_layer="fc")},
    "elementwise": {GRAD_CAM: grad_cam("GradCAMElementWise")},
    "eigencam-centred": {GRAD_CAM: grad_cam("EigenCAM")},
    "eigengradcam": {GRAD_CAM: grad_cam("EigenGradCAM")},
    "fem": {GRAD_CAM: grad_cam("FEM")},
    "random": {GRAD_CAM: grad_cam("RandomCAM")},
    "shapleycam": {GRAD_CAM: grad_cam("ShapleyCAM")},
    "fullgrad": {GRAD_CAM: grad_cam("FullGrad")},
    "gradient": {CAPTUM: captum("Saliency")},
    "gradientxinput": {CAPTUM: captum("InputXGradient")},
    "guided": {CAPTUM: captum("GuidedBackprop")},
    "guided-gradcam": {CAPTUM: captum_layer("GuidedGradCam")},
    "smoothgrad": {CAPTUM: captum_noise},
    "smoothgradcam++": {TORCH_CAM: torch_cam("SmoothGradCAMpp", num_samples=8)},
    "integrated": {CAPTUM: captum_steps},
    "scorecam": {
        GRAD_CAM: grad_cam_passes("ScoreCAM"),
        f"{GRAD_CAM}, batches of {BEST}": grad_cam_passes("ScoreCAM", BEST),
        TORCH_CAM: torch_cam_passes("ScoreCAM"),
    },
    "sscam": {TORCH_CAM: torch_cam_passes("SSCAM")},
    "iscam": {TORCH_CAM: torch_cam_passes("ISCAM")},
    "ablationcam": {GRAD_CAM: grad_cam_passes("AblationCAM")},
    "rise": {AUTHORS: rise(AUTHORS_BATCH), f"{AUTHORS}, batches of {BEST}": rise(BEST)},
    "occlusion": {CAPTUM: captum("Occlusion", 16, **_WINDOW)},
}
"""By our name: whose it is, and what makes one run of it."""
