"""Where an export goes wrong: the first module that differs."""

from __future__ import annotations

from typing import Any

import onnx
import pytest

from cam_core.errors import ModelError
from converters.torch import to_onnx
from converters.torch_parity import submodule
from tests.converting.modules import EXPORTERS, Small

torch = pytest.importorskip("torch")
nn = torch.nn


class Baked(nn.Module):
    """Tracing writes down the example's own maximum."""

    def forward(self, x: Any) -> Any:
        return x * float(x.abs().max())


class Scaled(Small):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.ModuleDict({"inner": Baked()})

    def forward(self, image: Any) -> Any:
        return self.head(self.scale["inner"](self.body(self.stem(image))).mean(dim=(2, 3)))


def test_a_divergence_names_the_first_module(tmp_path, image):
    torch.manual_seed(0)
    with pytest.raises(ModelError, match=r"\[3, 1, 9, 8\].*first at module 'scale\.inner'"):
        to_onnx(Scaled(), image, tmp_path / "net.onnx", exporter="torchscript")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_submodule_of_every_node(exporter, tmp_path):
    net = nn.Sequential(Small(), nn.Sequential(nn.Sequential(nn.Linear(3, 3), nn.ReLU())))
    net[0].head = nn.Sequential(nn.ReLU(), nn.Linear(4, 3))
    path, _ = to_onnx(net, torch.ones(2, 1, 9, 8), tmp_path / "net.onnx", exporter=exporter)
    known = {name for name, _ in net.named_modules() if name}
    nodes = onnx.load(str(path)).graph.node
    got = {node.op_type: submodule(node, known) for node in nodes}
    first = [submodule(node, known) for node in nodes if node.op_type in ("Relu", "Gemm")]
    assert first == ["0.stem.2", "0.head.0", "0.head.1", "1.0.0", "1.0.1"]
    assert got["ReduceMean"] == "0"
