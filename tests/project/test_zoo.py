"""benchmarks.zoo on a small network: its export is judged exact, a wrong one is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tests.paths import ROOT

if not (ROOT / "benchmarks").exists():
    pytest.skip("this tree has no benchmarks", allow_module_level=True)
pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from benchmarks.zoo.compare import Row, compare  # noqa: E402
from converters.torch import to_onnx  # noqa: E402


@pytest.fixture
def exported(tmp_path: Path) -> tuple[nn.Module, np.ndarray, Path]:
    torch.manual_seed(3)
    net = nn.Sequential()
    net.add_module("early", nn.Conv2d(3, 6, 3, padding=1))
    net.add_module("first", nn.ReLU())
    net.add_module("late", nn.Conv2d(6, 8, 3, padding=1))
    net.add_module("second", nn.ReLU())
    net.add_module("pool", nn.AdaptiveAvgPool2d(1))
    net.add_module("flat", nn.Flatten())
    net.add_module("head", nn.Linear(8, 9))
    net.eval()
    x = np.random.default_rng(3).normal(size=(2, 3, 12, 12)).astype(np.float32)
    path = tmp_path / "net" / "small.onnx"
    path.parent.mkdir()
    to_onnx(net, x, path, exporter="torchscript", verify=False)
    return net, x, path


def measured(net: nn.Module, x: np.ndarray, path: Path) -> Row:
    row = Row("small", "torchscript")
    compare(row, net, x, path)
    return row


def test_an_export_is_exact(exported: tuple[nn.Module, np.ndarray, Path]) -> None:
    row = measured(*exported)
    assert (row.status, row.identical) == ("exact", True)
    assert row.gradient is not None
    assert row.gradient < 1e-6
    assert row.early_gradient is not None
    assert row.early_gradient < 1e-5


def test_another_head_is_wrong(exported: tuple[nn.Module, np.ndarray, Path]) -> None:
    """The file of a network whose last weights are others."""
    net, x, path = exported
    model = onnx.load(path)
    weight = next(t for t in model.graph.initializer if tuple(t.dims) == (9, 8))
    weight.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(weight), weight.name))
    onnx.save(model, path)
    assert measured(net, x, path).status == "wrong"
