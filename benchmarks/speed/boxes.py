"""Five boxes of one photo by a detector: one forward pass, and five through its heads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from cam_core import explain_all, open_backend
from cam_core.backend import Array, Backend

from .blocks import Run, ratio
from .models import DETECTORS, Model, file
from .row import Row, Setting, ratios, reason
from .sessions import runner, session

COUNT = 5
PEER = "pytorch-grad-cam"


def boxes(model: Model, setting: Setting) -> Iterator[Row]:
    """Anchors from the first to the last, so of all scales, each with its merged map."""
    path, threads = file(model, setting.folder), setting.threads
    plain, backend = session(path, threads), open_backend(path)
    (image,) = plain.get_inputs()
    x = _picture(image)
    asked = anchors(backend, x)
    runs = {
        "plain": runner(plain),
        "one": lambda: explain_all(backend, x, asked[:1], ["hirescam"]),
        "five": lambda: explain_all(backend, x, asked, ["hirescam"]),
    }
    names = {"one": "one box", "five": f"{COUNT} boxes"}
    if model in DETECTORS:
        try:
            own = original(x, [int(text.rpartition(":")[2]) for text in asked], threads)
            runs, names = runs | own, names | {name: name for name in own}
        except ImportError as error:
            yield Row("boxes", model.key, PEER, note=reason(error))
    seconds = setting.time(runs)
    yield from ratios("boxes", model.key, seconds, names)
    if PEER in runs:
        yield Row("boxes", model.key, f"{PEER} in torch", ratio(seconds, PEER, "torch"), "x torch")


def original(x: Array, anchors: Sequence[int], threads: int) -> dict[str, Run]:
    """torch's own forward pass of the tiny detector, and its boxes by pytorch-grad-cam.

    HiResCAM at both ends of the neck, as its documentation has it: a call for each map. The
    weights are seeded ones; the cost does not hang on them.
    """
    import torch
    from pytorch_grad_cam import HiResCAM

    from examples.detector.net import Detector

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net, image = Detector().eval(), torch.as_tensor(x)
    peer = HiResCAM(net, [net.neck.fine, net.neck.coarse])
    targets: list[Any] = [lambda output, a=a: output[4, a].logit() for a in anchors]

    def forward() -> Any:
        with torch.no_grad():
            return net(image)

    return {"torch": forward, PEER: lambda: [peer(image, [target]) for target in targets]}


def anchors(backend: Backend, x: Array) -> list[str]:
    """As many targets, spread over all anchors.

    Raises:
        ValueError: it is no detector.
    """
    head = backend.heads()[0]
    if head.boxes is None:
        raise ValueError(f"no boxes: {head.said}")
    shape = backend.look(x, layers=()).score.shape
    count = prod(shape[1:]) // shape[backend.class_axis]
    return [f"0@anchor:{anchor}" for anchor in np.linspace(0, count - 1, COUNT).astype(int)]


def _picture(image: Any) -> Array:
    """Noise of the input's own size."""
    shape = [d if isinstance(d, int) else 1 for d in image.shape]
    found: Array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return found
