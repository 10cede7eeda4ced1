"""A small network of convolutions as an ONNX file and in torch, and two pictures for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

Array = np.ndarray
SIZE = (20, 28)
TEXT = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 3, 20, 28] x) => (float[N, 4] y) {
    c1 = Conv<strides = [2, 2], pads = [1, 1, 1, 1]>(x, w1)
    r1 = Relu(c1)
    c2 = Conv<strides = [2, 2], pads = [1, 1, 1, 1]>(r1, w2, b2)
    r2 = Relu(c2)
    gap = {pool}(r2)
    flat = Flatten(gap)
    y = Gemm<transB = 1>(flat, v, u)
}"""
SHAPES = {"w1": (6, 3, 3, 3), "w2": (8, 6, 3, 3), "b2": (8,), "v": (4, 8), "u": (4,)}


def weights() -> dict[str, Array]:
    """Seeded; the third channel of the last layer never fires."""
    rng = np.random.default_rng(0)
    found = {n: (0.4 * rng.normal(size=s)).astype(np.float32) for n, s in SHAPES.items()}
    found["b2"][2] = -100
    found["v"] *= 4
    return found


def net(pool: str = "GlobalAveragePool") -> onnx.ModelProto:
    """The file."""
    model = onnx.parser.parse_model(TEXT.replace("{pool}", pool))
    model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in weights().items())
    return model


def pictures() -> Array:
    """Two rows of waves and noise [2, 3, 20, 28]."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:20, :28] / 7
    waves = np.stack([np.sin(x + i) * np.cos(y * (i + 1)) for i in range(3)])
    noise = rng.normal(size=(2, 3, *SIZE))
    return (np.stack([waves, waves[:, ::-1, ::-1]]) + 0.3 * noise).astype(np.float32)


def module() -> Any:
    """The same in torch; its last ReLU is `3`."""
    import torch
    from torch import nn

    known = {n: torch.from_numpy(a) for n, a in weights().items()}
    found = nn.Sequential(
        nn.Conv2d(3, 6, 3, 2, 1, bias=False),
        nn.ReLU(),
        nn.Conv2d(6, 8, 3, 2, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 4),
    ).eval()
    names = {"0.weight": "w1", "2.weight": "w2", "2.bias": "b2", "6.weight": "v", "6.bias": "u"}
    found.load_state_dict({path: known[name] for path, name in names.items()})
    return found
