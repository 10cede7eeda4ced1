"""Networks that people deploy in which places are easily misread: an event is where it is.

The weights are ones, so a map is hot nowhere but over the event.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core import explain  # noqa: E402
from cam_core.errors import LayerError  # noqa: E402
from converters.torch import to_onnx  # noqa: E402


class Net(nn.Module):
    """What comes before a mean and a linear layer."""

    def __init__(self, body: Any, channels: int, **parts: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, nn.Linear(channels, 2)
        for name, part in parts.items():
            self.add_module(name, part)
        for parameter in self.parameters():
            nn.init.constant_(parameter, 1.0 if parameter.dim() > 1 else 0.0)

    def forward(self, x: Any) -> Any:
        found = self.body(self, x)
        return self.head(found.mean(tuple(range(2, found.ndim))))


def leads_collapsed(net: Any, x: Any) -> Any:
    """An electrocardiogram [N, T, 12] whose leads are summed over in a picture of one row."""
    turned = x.transpose(1, 2)[:, None]
    return net.leads(net.time(turned).relu()).relu()


def causal(net: Any, x: Any) -> Any:
    """Padded on both sides and cut back behind: step t is step t."""
    for conv in net.convs:
        x = conv(x)[:, :, : -conv.padding[0]].relu()
    return x


def even_kernels(net: Any, x: Any) -> Any:
    """One cell too many, cut off in front, twice."""
    return net.second(net.first(x)[:, :, 1:, 1:].relu())[:, :, 1:, 1:].relu()


def wide_pads(net: Any, x: Any) -> Any:
    """A fully convolutional network: a hundred cells of padding, cropped at the end."""
    wide = nn.functional.relu(net.first(x))
    return net.second(wide)[:, :, 6:-6, 6:-6].relu()


def rolls_of_channels(net: Any, x: Any) -> Any:
    """Two channels of eight are rolled by two cells, the others stay."""
    f = net.first(x).relu()
    return torch.cat([f[:, :6], torch.roll(f[:, 6:], 2, 3)], 1).relu()


def shifted_in_time(net: Any, x: Any) -> Any:
    """A residual that looks one step back."""
    f = net.first(x).relu()
    return (f + nn.functional.pad(f, (1, 0))[:, :, :-1]).relu()


CONVS = nn.ModuleList(
    nn.Conv1d(4 if i == 0 else 8, 8, 3, padding=2 * 2**i, dilation=2**i) for i in range(3)
)
CASES: dict[str, tuple[Net, tuple[int, ...], list[tuple[int, ...]], tuple[int, ...], int]] = {
    "leads collapsed": (
        Net(leads_collapsed, 8, time=nn.Conv2d(1, 4, (1, 5), (1, 2), (0, 2)),
            leads=nn.Conv2d(4, 8, (12, 1))),
        (100, 12), [(20, 3), (90, 11)], (100, 12), 5,
    ),
    "causal": (Net(causal, 8, convs=CONVS), (4, 64), [(0, 60), (0, 3)], (64,), 15),
    "even kernels": (
        Net(even_kernels, 4, first=nn.Conv2d(3, 4, 4, 1, 2), second=nn.Conv2d(4, 4, 4, 2, 2)),
        (3, 24, 24), [(0, 0, 0), (0, 20, 13)], (24, 24), 5,
    ),
    "wide pads": (
        Net(wide_pads, 4, first=nn.Conv2d(3, 4, 3, 1, 25), second=nn.Conv2d(4, 4, 4, 4)),
        (3, 32, 32), [(0, 6, 6), (0, 26, 20)], (32, 32), 6,
    ),
    "rolls of channels": (
        Net(rolls_of_channels, 8, first=nn.Conv2d(3, 8, 2, 2)),
        (3, 24, 24), [(0, 4, 8), (0, 20, 2)], (24, 24), 3,
    ),
    "shifted in time": (
        Net(shifted_in_time, 8, first=nn.Conv1d(4, 8, 3, padding=1)), (4, 64), [(0, 30)], (64,), 3,
    ),
}  # fmt: skip
"""Network, a row of its input, events in it, the picture's size, and how far heat may be off."""


@pytest.mark.parametrize("name", CASES)
def test_the_heat_is_where_the_event_is(name: str, tmp_path: Path) -> None:
    net, shape, events, size, reach = CASES[name]
    path = tmp_path / "net.onnx"
    example = torch.zeros(2, *shape)
    to_onnx(net.eval(), example, path, exporter="torchscript", verify=False)
    backend = OnnxBackend(path)
    for event in events:
        x = np.zeros((1, *shape), np.float32)
        x[(0, *event)] = 5
        heat = explain(backend, x, target=1).heatmap(size)[0]
        assert heat.shape == size
        place = event if len(event) == len(size) else event[-len(size) :]
        assert heat[place] > 0
        along = [i for i, n in enumerate(size) if heat.sum(tuple({*range(len(size))} - {i})).std()]
        peak = np.unravel_index(heat.argmax(), size)
        assert all(abs(peak[i] - place[i]) <= reach for i in along), (peak, place)


def test_steps_before_rows(tmp_path: Path) -> None:
    """[T, N, F] with scores [N, C]: the batch is the input's second axis."""

    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Linear(6, 8), nn.Linear(8, 2)

        def forward(self, x: Any) -> Any:
            return self.head(torch.relu(self.first(x)).mean(0))

    net = Steps().eval()
    for parameter in net.parameters():
        nn.init.constant_(parameter, 1.0 if parameter.dim() > 1 else 0.0)
    path = tmp_path / "steps.onnx"
    example = torch.zeros(20, 2, 6)
    to_onnx(net, example, path, exporter="torchscript", dynamic_batch=False, verify=False)
    x = np.zeros((20, 2, 6), np.float32)
    x[5, 0] = x[15, 1] = 5
    found = explain(OnnxBackend(path), x, target=1)
    assert found.map.shape == (2, 20)
    assert [int(row.argmax()) for row in found.map] == [5, 15]
    assert (found.map > 0).sum() == 2


def test_frames_that_are_walked_through_backwards_are_refused(tmp_path: Path) -> None:
    """Maps of frames keep the clip's order; pixels are no default in their place."""

    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Conv2d(1, 4, 4, 4), nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            frames = torch.relu(self.first(x.flip(1).flatten(0, 1)))
            return self.head(frames.mean((2, 3)).view(-1, 6, 4).mean(1))

    path = tmp_path / "clip.onnx"
    example = torch.zeros(1, 6, 1, 8, 8)
    to_onnx(Backwards(), example, path, exporter="torchscript", dynamic_batch=False, verify=False)
    with pytest.raises(LayerError, match="only pixels are maps before the score"):
        _ = OnnxBackend(path).default_layer
