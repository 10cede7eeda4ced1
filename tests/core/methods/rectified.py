"""A network of rectifiers by the same weights in torch and in ONNX, as the papers have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from cam_core.backend import Backend

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from backends.torch import TorchBackend  # noqa: E402

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 3, 12, 16] x) => (float[N, 4] y) <float zero = {0.0}, float six = {6.0}> {
    conv1 = Conv<pads = [1, 1, 1, 1]>(x, first_weight, first_bias)
    early = Relu(conv1)
    pool = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(early)
    conv2 = Conv(pool, second_weight, second_bias)
    late = Clip(conv2, zero, six)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    y = Gemm<transB = 1>(flat, head_weight, head_bias)
}"""
CLASSES = (3, 1)
"""One for each of two rows."""


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.early = nn.Conv2d(3, 5, 3, padding=1), nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.second, self.late = nn.Conv2d(5, 6, 3), nn.ReLU6()
        self.head = nn.Linear(6, 4)

    def forward(self, x: Any) -> Any:
        x = self.pool(self.early(self.first(x)))
        return self.head(self.late(self.second(x)).mean((2, 3)))


def net() -> Net:
    torch.manual_seed(7)
    return Net().eval()


def pictures() -> Any:
    return np.random.default_rng(8).normal(size=(2, 3, 12, 16)).astype(np.float32)


def model() -> onnx.ModelProto:
    made = onnx.parser.parse_model(TEXT)
    weights = {name.replace(".", "_"): t.numpy() for name, t in net().state_dict().items()}
    made.graph.initializer.extend(numpy_helper.from_array(w, n) for n, w in weights.items())
    return made


def opened(kind: str) -> Backend:
    if kind == "onnx":
        return OnnxBackend(model())
    return TorchBackend(net(), example=pictures())


def score(module: Any, x: Any) -> Any:
    """The sum over the rows of each one's own class."""
    return module(x)[range(len(CLASSES)), list(CLASSES)].sum()


def slope(module: Any, x: Any) -> Any:
    """dY/dx by autograd, in x's precision."""
    leaf = torch.tensor(x, requires_grad=True)
    (found,) = torch.autograd.grad(score(module, leaf), leaf)
    return found.numpy()
