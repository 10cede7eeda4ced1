"""The same picture by pytorch-grad-cam, from the live torch module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from backends.onnx import instrument, save
from cam_core.maps import heatmap
from cam_core.maps.arrangement import Arrangement

from .files import layout_of


def peer_gap(net: nn.Module, module: str, file: Path, x: Any, classes: tuple[int, ...]) -> float:
    """The largest difference of the two heatmaps [N, H, W] in [0, 1], both at `module`."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    model = instrument(str(file), layer=module)
    layout = layout_of(model)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    written = file.with_name(f"peer.{file.name}")
    save(model, written, file)
    session = ort.InferenceSession(str(written), options, ["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x, "cam_class": np.array(classes, np.int64)}
    (raw,) = session.run(["cam_map"], feed)
    del model, session

    def arrange(A: torch.Tensor) -> torch.Tensor:
        if isinstance(layout, Arrangement):
            return torch.as_tensor(layout.apply(A.detach().numpy()))
        if layout.axes == "NCHW":
            return A
        if layout.axes == "NHWC":
            return A.permute(0, 3, 1, 2)
        tokens = A[:, A.shape[1] - int(np.prod(raw.shape[1:])) :]
        return tokens.transpose(1, 2).reshape(len(A), -1, *raw.shape[1:])

    with (
        first_of_several(net.get_submodule(module)) as place,
        GradCAM(net, [place], reshape_transform=arrange) as peer,
    ):
        theirs = peer(torch.as_tensor(x), [ClassifierOutputTarget(c) for c in classes])
    return float(np.abs(heatmap(raw, x.shape[2:]) - theirs).max())


@contextmanager
def first_of_several(module: nn.Module) -> Iterator[nn.Module]:
    """A module that hands on what `module` gives, or the first tensor of the tuple that it gives.

    pytorch-grad-cam hooks one tensor; MViTv2's blocks give their size beside it.
    """
    place = nn.Identity()

    def through(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        if isinstance(output, tuple | list):
            return type(output)((place(output[0]), *output[1:]))
        return place(output)

    handle = module.register_forward_hook(through)
    try:
        yield place
    finally:
        handle.remove()
