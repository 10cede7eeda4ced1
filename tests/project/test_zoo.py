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
from benchmarks.zoo.files import layout_of  # noqa: E402
from benchmarks.zoo.layers import recommended  # noqa: E402
from benchmarks.zoo.models import size_of  # noqa: E402
from benchmarks.zoo.oracle import matches  # noqa: E402
from benchmarks.zoo.peer import first_of_several  # noqa: E402
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


@pytest.mark.parametrize("text", ["NCHW", "N(1+14*14)C", "N C6 a4 b5 -> N C b a"])
def test_any_layout_that_a_file_keeps_is_read(text: str) -> None:
    model = onnx.ModelProto()
    model.metadata_props.add(key="cam.layout", value=text)
    assert layout_of(model).text() == text


def test_a_name_may_give_a_size() -> None:
    assert size_of("timm/levit_128s@64x96") == (64, 96)
    assert size_of("timm/levit_128s") is None


class WithItsSize(nn.Module):
    """As MViTv2's blocks, which hand on a tensor and its size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[int]]:
        y = torch.relu(self.conv(x))
        return y, list(y.shape[2:])


class Sized(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([WithItsSize()])
        self.head = nn.Linear(4, 9)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, _ = self.stages[0](x)
        return self.head(y.mean((2, 3)))  # type: ignore[no-any-return]


@pytest.fixture
def sized() -> nn.Module:
    torch.manual_seed(5)
    return Sized().eval()


def test_a_module_that_gives_a_tuple_is_named(sized: nn.Module) -> None:
    assert recommended("sized", sized) == "stages.0"
    x = np.random.default_rng(5).normal(size=(2, 3, 6, 8)).astype(np.float32)
    with torch.no_grad():
        A = sized.stages[0](torch.as_tensor(x))[0].numpy()
    (match,) = matches(sized, x, A, np.eye(9, dtype=np.float32)[[1, 7]])
    assert match.modules == ("stages.0",)
    expected = sized.head.weight[[1, 7]].detach().numpy()[:, :, None, None] / (4 * 6)
    np.testing.assert_allclose(match.gradient, np.broadcast_to(expected, A.shape), rtol=1e-5)


def test_the_first_of_a_tuple_can_be_hooked(sized: nn.Module) -> None:
    x, seen = torch.randn(2, 3, 6, 8), []
    before = sized(x)
    with first_of_several(sized.stages[0]) as place:
        place.register_forward_hook(lambda _m, _i, output: seen.append(output))
        assert torch.equal(sized(x), before)
    assert [tuple(tensor.shape) for tensor in seen] == [(2, 4, 4, 6)]
    sized(x)
    assert len(seen) == 1  # it leaves the module as it was


def test_a_module_and_its_export_look_at_the_same_thing(monkeypatch):
    """A row of benchmarks.zoo.focus; the exporter that fails at a size is tried at the next."""
    from benchmarks.zoo import focus

    def build(name):
        torch.manual_seed(0)
        convolutions = nn.Conv2d(3, 6, 3, 2), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3)
        head = nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(96, 8)
        return nn.Sequential(*convolutions, nn.ReLU(), *head).eval()

    monkeypatch.setattr(focus, "build", build)
    monkeypatch.setattr(focus, "sizes", lambda name, net: [(32, 32), (37, 37)])
    cells = focus.row("small", "torchscript").split(" | ")
    assert cells[:2] == ["| small", "37x37"]  # 13 cells are no multiple of 4, 16 are
    assert cells[3].startswith("the same: agreement 1.000 ")
