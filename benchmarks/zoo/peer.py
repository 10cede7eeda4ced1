"""The same picture by pytorch-grad-cam, from the live torch module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch

from backends.onnx import instrument, save
from cam_core import Layout
from cam_core.maps import heatmap


def peer_gap(
    net: torch.nn.Module, module: str, file: Path, x: Any, classes: tuple[int, ...]
) -> float:
    """The largest difference of the two heatmaps [N, H, W] in [0, 1], both at `module`."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    model = instrument(str(file), layer=module)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    layout = Layout.parse(facts["cam.layout"])
    options = ort.SessionOptions()
    options.log_severity_level = 4
    written = file.with_name(f"peer.{file.name}")
    save(model, written, file)
    session = ort.InferenceSession(str(written), options, ["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x, "cam_class": np.array(classes, np.int64)}
    (raw,) = session.run(["cam_map"], feed)
    del model, session

    def arrange(A: torch.Tensor) -> torch.Tensor:
        if layout.axes == "NCHW":
            return A
        if layout.axes == "NHWC":
            return A.permute(0, 3, 1, 2)
        tokens = A[:, A.shape[1] - int(np.prod(raw.shape[1:])) :]
        return tokens.transpose(1, 2).reshape(len(A), -1, *raw.shape[1:])

    with GradCAM(net, [net.get_submodule(module)], reshape_transform=arrange) as peer:
        theirs = peer(torch.as_tensor(x), [ClassifierOutputTarget(c) for c in classes])
    return float(np.abs(heatmap(raw, x.shape[2:]) - theirs).max())
