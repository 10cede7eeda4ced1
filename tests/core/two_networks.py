"""Two small networks by the same weights in torch and in ONNX, for the contract's tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx.shape_inference
import onnx.utils
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from cam_core.backend import Backend
from cam_core.chain import Chain
from cam_core.discover import open_backend

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from backends.torch import TorchBackend  # noqa: E402
from tests.core.framework_networks import in_jax, in_keras  # noqa: E402

CNN = """<ir_version: 8, opset_import: ["" : 17]>
cnn (float[N, 3, 8, 12] x) => (float[N, 5] y, float[N, 4, 8, 12] early) {
    conv1 = Conv<pads = [1, 1, 1, 1]>(x, conv1_weight)
    early = Tanh(conv1)
    conv2 = Conv<strides = [2, 2]>(early, conv2_weight)
    late = Tanh(conv2)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    y = Gemm<transB = 1>(flat, head_weight)
}"""

TOKENS = """<ir_version: 8, opset_import: ["" : 17]>
tokens (float[N, 3, 8, 8] x) => (float[N, 5] y) <int64[3] row = {0, 6, -1}, int64 first = {0}> {
    patch = Conv<strides = [4, 4]>(x, patch_weight)
    flat = Reshape(patch, row)
    places = Transpose<perm = [0, 2, 1]>(flat)
    count = Shape<end = 1>(x)
    one = Shape<start = 1>(token)
    many = Concat<axis = 0>(count, one)
    summary = Expand(token, many)
    all = Concat<axis = 1>(summary, places)
    norm1 = LayerNormalization<axis = -1>(all, norm1_weight)
    turned = Transpose<perm = [0, 2, 1]>(norm1)
    mixed = MatMul(turned, mix_weight)
    back = Transpose<perm = [0, 2, 1]>(mixed)
    bent = Tanh(back)
    sum = Add(all, bent)
    norm2 = LayerNormalization<axis = -1>(sum, norm2_weight)
    read = Gather<axis = 1>(norm2, first)
    y = Gemm<transB = 1>(read, head_weight)
}"""
"""A class token beside 2 x 2 patches; a residual goes round norm1, and the head reads the token."""


class Cnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.early = nn.Tanh()
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, bias=False)
        self.late = nn.Tanh()
        self.head = nn.Linear(6, 5, bias=False)

    def forward(self, x: Any) -> Any:
        late = self.late(self.conv2(self.early(self.conv1(x))))
        return self.head(late.mean((2, 3)))


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 6, 4, stride=4, bias=False)
        self.token = nn.Parameter(torch.zeros(1, 1, 6))
        self.norm1 = nn.LayerNorm(6, bias=False)
        self.mix = nn.Linear(5, 5, bias=False)
        self.norm2 = nn.LayerNorm(6, bias=False)
        self.head = nn.Linear(6, 5, bias=False)

    def before(self, x: Any) -> Any:
        places = self.patch(x).flatten(2).transpose(1, 2)
        return torch.cat([self.token.expand(len(x), -1, -1), places], 1)

    def after(self, tokens: Any, normed: Any) -> Any:
        bent = torch.tanh(self.mix(normed.transpose(1, 2)).transpose(1, 2))
        return self.head(self.norm2(tokens + bent)[:, 0])

    def forward(self, x: Any) -> Any:
        tokens = self.before(x)
        return self.after(tokens, self.norm1(tokens))


def by_cnn(net: Any, x: Any, layer: str, A: Any) -> Any:
    """The score when the layer gives A."""
    late = net.late(net.conv2(A)) if layer == "early" else A
    return net.head(late.mean((2, 3)))


def by_tokens(net: Any, x: Any, layer: str, A: Any) -> Any:
    """The same: the class token and the residual are those of x."""
    tokens = net.before(x)
    own = net.norm1(tokens)[:, :1]
    return net.after(tokens, torch.cat([own, A.flatten(2).transpose(1, 2)], 1))


def of_cnn(net: Any, x: Any, layer: str) -> Any:
    early = net.early(net.conv1(x))
    return early if layer == "early" else net.late(net.conv2(early))


def of_tokens(net: Any, x: Any, layer: str) -> Any:
    return net.norm1(net.before(x))[:, 1:].transpose(1, 2).reshape(len(x), 6, 2, 2)


@dataclass(frozen=True)
class Model:
    """One network, both ways, and its formulas."""

    text: str
    net: type[Any]
    layers: tuple[str, ...]
    """The default one last."""
    size: tuple[int, ...]
    activations: Callable[[Any, Any, str], Any]
    score: Callable[[Any, Any, str, Any], Any]
    cut: str
    """Between two files that are the same network."""


MODELS = {
    "cnn": Model(CNN, Cnn, ("early", "late"), (3, 8, 12), of_cnn, by_cnn, "flat"),
    "tokens": Model(TOKENS, Tokens, ("norm1",), (3, 8, 8), of_tokens, by_tokens, "read"),
}


def network(model: Model) -> Any:
    torch.manual_seed(4)
    net = model.net()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.5)
    return net


def written(model: Model) -> onnx.ModelProto:
    """The torch module's weights in a file."""
    made = onnx.parser.parse_model(model.text)
    for name, parameter in network(model).named_parameters():
        value = parameter.detach().numpy()
        value = value.T if name == "mix.weight" else value
        made.graph.initializer.append(numpy_helper.from_array(value, name.replace(".", "_")))
    return made


def by_chain(model: Model) -> Backend:
    """Two files, one after the other."""
    made = onnx.utils.Extractor(onnx.shape_inference.infer_shapes(written(model)))
    return Chain(
        [made.extract_model(*ends) for ends in ((["x"], [model.cut]), ([model.cut], ["y"]))]
    )


def in_openvino(model: Model) -> Backend:
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    return open_backend(written(model), backend="openvino")


def shared(model: Model) -> tuple[str, dict[str, Any], Any]:
    """What the frameworks of `framework_networks` need: the name, torch's weights, an input."""
    weights = {n: p.detach().numpy() for n, p in network(model).named_parameters()}
    name = next(name for name, known in MODELS.items() if known is model)
    return name, weights, np.random.default_rng(3).normal(size=(2, *model.size)).astype(np.float32)


BACKENDS: dict[str, Callable[[Model], Backend]] = {
    "onnx": lambda model: OnnxBackend(written(model)),
    "openvino": in_openvino,
    "torch": lambda model: TorchBackend(network(model)),
    "jax": lambda model: in_jax(*shared(model)),
    "keras": lambda model: in_keras(*shared(model)),
    "chain": by_chain,
}


@dataclass(frozen=True)
class Case:
    """A backend, two rows of input, and what is right."""

    backend: Backend
    model: Model
    x: Any

    def net(self) -> Any:
        return network(self.model).double()

    def activations(self, layer: str) -> Any:
        A = self.model.activations(self.net(), torch.from_numpy(self.x).double(), layer)
        return A.detach().numpy()

    def score(self, layer: str, A: Any, rows: Any) -> Any:
        """Row by row: A[i] beside x[rows[i]]."""
        net, x, A = self.net(), torch.from_numpy(self.x).double(), torch.from_numpy(A).double()
        found = [self.model.score(net, x[r : r + 1], layer, A[i : i + 1]) for i, r in rows]
        return torch.cat(found).detach().numpy()

    def gradient(self, layer: str, cotangent: Any) -> Any:
        net, x = self.net(), torch.from_numpy(self.x).double()
        A = self.model.activations(net, x, layer).detach().requires_grad_()
        self.model.score(net, x, layer, A).backward(torch.from_numpy(cotangent).double())
        return A.grad.numpy()

    def input_gradient(self, cotangent: Any) -> Any:
        x = torch.from_numpy(self.x).double().requires_grad_()
        self.net()(x).backward(torch.from_numpy(cotangent).double())
        return x.grad.numpy()

    @property
    def default(self) -> str:
        return self.model.layers[-1]
