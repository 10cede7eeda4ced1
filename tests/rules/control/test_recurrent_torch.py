"""Recurrent and scripted networks behind convolutions against torch.autograd."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend
from backends.torch import TorchBackend
from converters.torch import to_onnx

torch = pytest.importorskip("torch", reason="torch is the oracle here")
from torch import Tensor, nn  # noqa: E402

WIDTH, CLASSES = 12, 5


class Reader(nn.Module):
    """Text recognition in small: columns of a feature map are read by a recurrent network."""

    def __init__(self, kind: type[nn.Module], **options: Any) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.reader = kind(8 * 4, WIDTH, batch_first=True, **options)
        self.head = nn.Linear(WIDTH * (2 if options.get("bidirectional") else 1), CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        columns = self.features(x).flatten(1, 2).transpose(1, 2)
        return self.head(self.reader(columns)[0].mean(1))


NETS = {
    "lstm both ways, two layers": (nn.LSTM, {"bidirectional": True, "num_layers": 2}),
    "lstm": (nn.LSTM, {}),
    "gru both ways": (nn.GRU, {"bidirectional": True}),
    "gru, two layers": (nn.GRU, {"num_layers": 2}),
    "rnn": (nn.RNN, {}),
    "rnn of relu both ways": (nn.RNN, {"nonlinearity": "relu", "bidirectional": True}),
}
SHORT, LONG = 8, 14
"""Columns of a network that is written out, and of one that takes a Scan."""
CASES = [
    ("lstm both ways, two layers", "torchscript-17", SHORT),
    ("lstm both ways, two layers", "torchscript-13", LONG),
    ("lstm both ways, two layers", "dynamo-20", LONG),
    ("lstm", "torchscript-17", LONG),
    ("gru both ways", "torchscript-17", LONG),
    ("gru, two layers", "torchscript-17", SHORT),
    ("rnn", "torchscript-17", SHORT),
    ("rnn of relu both ways", "torchscript-17", LONG),
]


def pick(*classes: int) -> Any:
    return lambda y, outputs: np.eye(y.shape[1], dtype=y.dtype)[list(classes)]


def assert_same(path: Path, net: nn.Module, x: Any, layer: str) -> None:
    """The default layer's gradients are torch's at `layer`."""
    target = pick(1, 4)
    (got,) = OnnxBackend(path).capture(x, target)
    (expected,) = TorchBackend(net, layer=layer).capture(x, target)
    np.testing.assert_allclose(got.activations, expected.activations, atol=1e-5)
    assert np.abs(expected.gradients).max() > 0
    error = np.linalg.norm(got.gradients - expected.gradients)
    assert error < 1e-5 * np.linalg.norm(expected.gradients)


@pytest.mark.parametrize(("name", "export", "columns"), CASES)
def test_reader(name: str, export: str, columns: int, tmp_path: Path) -> None:
    kind, options = NETS[name]
    torch.manual_seed(3)
    net = Reader(kind, **options).eval()
    x = np.random.default_rng(4).normal(size=(2, 1, 8, 2 * columns)).astype(np.float32)
    exporter, opset = export.split("-")
    to_onnx(net, x, tmp_path / "net.onnx", exporter=exporter, opset=int(opset))
    model = onnx.load(tmp_path / "net.onnx")
    assert kind.__name__ in {node.op_type for node in model.graph.node}
    assert_same(tmp_path / "net.onnx", net, x, "features.4")


def turns(h: Tensor, mix: Tensor) -> Tensor:
    h = torch.sigmoid(h) if bool(h.mean() > 0.2) else h * torch.exp(-h)
    for i in range(4):
        h = torch.tanh(h @ mix + i)
    while bool(h.abs().sum() > 1.0):
        h = h * 0.7
    return h


class Scripted(nn.Module):
    """A branch on the features' mean, a loop that counts and one that ends by its own state."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
        self.mix = nn.Linear(8, 8)
        self.head = nn.Linear(8, CLASSES)
        self.turns = torch.jit.script(turns)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.turns(self.features(x).mean((2, 3)), self.mix.weight))


@pytest.mark.parametrize("brightness", [1.0, 5.0], ids=["one branch", "the other"])
def test_scripted(brightness: float, tmp_path: Path) -> None:
    torch.manual_seed(3)
    x = brightness * np.random.default_rng(4).normal(size=(2, 1, 8, 8)).astype(np.float32)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its script and this exporter old
        net = Scripted().eval()
        rows = {"x": {0: "n"}, "y": {0: "n"}}
        names = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": rows}
        torch.onnx.export(net, (torch.from_numpy(x),), buffer, dynamo=False, **names)
    (tmp_path / "net.onnx").write_bytes(buffer.getvalue())
    kinds = [node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node]
    assert kinds.count("If") == 1
    assert kinds.count("Loop") == 2
    assert_same(tmp_path / "net.onnx", net, x, "features.1")
