"""pytorch-grad-cam and the authors' RISE on the live torch module, as many passes as are asked for.

Each does what it does for all channels, for the first few of them: their cost is one of passes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

import numpy as np

from benchmarks.speed.blocks import Run

CLASS = 3
BATCH = 100
"""Of the authors' RISE (`batch_size` in its notebook)."""


def score_cam(module: Any, layer: str, x: Any, count: int) -> Run:
    """`ScoreCAM` of so many channels."""
    from pytorch_grad_cam import ScoreCAM

    return _weights(ScoreCAM(module, [module.get_submodule(layer)]), module, layer, x, count)


def ablation_cam(module: Any, layer: str, x: Any, count: int) -> Run:
    """`AblationCAM` of so many channels: the whole model is run for each."""
    from pytorch_grad_cam import AblationCAM

    return _weights(AblationCAM(module, [module.get_submodule(layer)]), module, layer, x, count)


def _weights(cam: Any, module: Any, layer: str, x: Any, count: int) -> Run:
    """Its weights of the first channels, without its progress bar."""
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    part = module.get_submodule(layer)
    held: list[Any] = []
    handle = part.register_forward_hook(lambda _m, _i, A: held.append(A.detach().numpy()))
    module(x)
    handle.remove()
    A, targets = held[-1][:, :count], [ClassifierOutputTarget(CLASS)] * len(x)

    def run() -> None:
        with redirect_stderr(StringIO()):
            cam.activations_and_grads.clear()  # as each call of it does
            cam.get_cam_weights(x, part, targets, A, None)

    return run


def rise(module: Any, _layer: str, x: Any, count: int) -> Run:
    """The authors' loop: masked pictures in batches, their scores times the masks."""
    import torch

    masks = torch.as_tensor(np.random.default_rng(0).random((count, 1, *x.shape[2:]), np.float32))

    def run() -> None:
        with torch.no_grad():
            stack = masks * x
            parts = [torch.softmax(module(part), 1) for part in stack.split(min(BATCH, count))]
            scores = torch.cat(parts)
            torch.matmul(scores.T, masks.view(count, -1))

    return run


PEERS: dict[str, tuple[str, Callable[[Any, str, Any, int], Run]]] = {
    "scorecam": ("pytorch-grad-cam", score_cam),
    "ablationcam": ("pytorch-grad-cam", ablation_cam),
    "rise": ("the authors' loop", rise),
}
"""By our name: whose it is, and what makes one run of so many passes."""
