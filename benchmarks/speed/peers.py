"""The peers on the live torch module: same weights, same layer, same picture, same threads.

Each is called as its documentation does it. In units of onnxruntime's plain forward pass, and of
torch's own under no_grad.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from backends.onnx import instrument
from cam_core import Layout

from .blocks import Run, ratio
from .models import Model, file, net
from .row import Row, Setting, ratios, reason
from .sessions import TOP, picture, runner, session

CLASS = 3


def peers(model: Model, setting: Setting) -> Iterator[Row]:
    """Grad-CAM by onnxruntime and by the peers, in the same rounds."""
    path, threads = file(model, setting.folder), setting.threads
    ours = instrument(path, layer=model.module)
    runs = {
        "plain": runner(session(path, threads)),
        "ours": runner(session(ours, threads), cam_class=TOP),
    }
    names = {"ours": "ours"}
    try:
        import torch

        torch.set_num_threads(threads)
        module = net(model)
    except ModuleNotFoundError as error:
        yield Row("peers", model.key, "torch", note=reason(error))
        return
    x = torch.as_tensor(picture((1, *_size(path))))
    runs["torch"], names["torch"] = _forward(module, x), "torch"
    for name, peer in PEERS.items():
        try:
            runs[name] = peer(copy.deepcopy(module), model.module, x, _layout(ours))
            runs[name]()
            names[name] = name
        except Exception as error:
            runs.pop(name, None)
            yield Row("peers", model.key, name, note=reason(error))
    seconds = setting.time(runs)
    yield from ratios("peers", model.key, seconds, names)
    for name in PEERS.keys() & names.keys():
        found = ratio(seconds, name, unit="torch")
        yield Row("peers", model.key, f"{name} in torch", found, "x torch")


def _size(path: Path) -> tuple[int, ...]:
    import onnx

    (image, *_) = onnx.load(path, load_external_data=False).graph.input
    return tuple(d.dim_value for d in image.type.tensor_type.shape.dim)[1:]


def _layout(model: Any) -> Layout:
    facts = {entry.key: entry.value for entry in model.metadata_props}
    return Layout.parse(facts["cam.layout"])


def _forward(module: Any, x: Any) -> Run:
    import torch

    def run() -> Any:
        with torch.no_grad():
            return module(x)

    return run


def pytorch_grad_cam(module: Any, layer: str, x: Any, layout: Layout) -> Run:
    """jacobgil/pytorch-grad-cam."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    def arrange(A: Any) -> Any:
        if layout.axes == "NHWC":
            return A.permute(0, 3, 1, 2)
        side = int(np.sqrt(A.shape[1]))
        return A[:, A.shape[1] - side * side :].transpose(1, 2).reshape(len(A), -1, side, side)

    way = None if layout.axes == "NCHW" else arrange
    peer = GradCAM(module, [module.get_submodule(layer)], reshape_transform=way)
    return lambda: peer(x, [ClassifierOutputTarget(CLASS)] * len(x))


def torch_cam(module: Any, layer: str, x: Any, layout: Layout) -> Run:
    """frgfm/torch-cam."""
    from torchcam.methods import GradCAM

    peer = GradCAM(module, layer)
    return lambda: peer(CLASS, module(x))


def captum(module: Any, layer: str, x: Any, layout: Layout) -> Run:
    """meta-pytorch/captum."""
    from captum.attr import LayerGradCam

    peer = LayerGradCam(module, module.get_submodule(layer))
    return lambda: peer.attribute(x, target=CLASS)


PEERS: dict[str, Callable[[Any, str, Any, Layout], Run]] = {
    "pytorch-grad-cam": pytorch_grad_cam,
    "torch-cam": torch_cam,
    "captum": captum,
}
