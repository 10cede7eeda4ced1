"""Situations in which the axes of a model used to be read wrong; the right values are autograd's.

A network that makes its layer in some shape, and what a map of it is by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from backends.onnx import OnnxBackend, instrument  # noqa: E402
from cam_core import explain  # noqa: E402
from converters.torch import to_onnx  # noqa: E402
from tests.sessions import run  # noqa: E402


def cnn(channels: int = 3) -> nn.Sequential:
    first, second = nn.Conv2d(channels, 8, 3, 2, 1), nn.Conv2d(8, 12, 3, 2, 1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


class Kept(nn.Module):
    """Keeps the tensor that is looked at, with its gradient."""

    layer: Any = None

    def keep(self, tensor: Any) -> Any:
        self.layer = tensor
        if tensor.requires_grad:
            tensor.retain_grad()
        return tensor


class ReducedKeys(Kept):
    """3 x 3 tokens look at a 2 x 2 map; no class token: a smaller grid is not theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.reduced = nn.Conv2d(3, 16, 32, 32), nn.Conv2d(16, 16, 2, 1)
        self.q, self.k, self.v, self.head = (nn.Linear(16, n) for n in (16, 16, 16, 5))
        self.norm = nn.LayerNorm(16)

    def forward(self, x: Any) -> Any:
        grid = self.patches(x)
        tokens, keys = (m.flatten(2).transpose(1, 2) for m in (grid, self.reduced(grid)))
        weights = (self.q(tokens) @ self.k(keys).transpose(1, 2) / 4).softmax(-1)
        return self.head(self.norm(self.keep(tokens + weights @ self.v(keys))).mean(1))

    @staticmethod
    def right(A: Any, G: Any) -> Any:
        return np.maximum((A * G.mean(1, keepdims=True)).sum(2), 0).reshape(-1, 3, 3)


class Unshuffled(Kept):
    """Sub-pixels become channels near the end, by views of six axes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.views = nn.Conv2d(3, 8, 3, 2, 1), nn.PixelUnshuffle(2)
        self.head = nn.Linear(32, 5)

    def forward(self, x: Any) -> Any:
        layer = self.keep(nn.functional.silu(self.views(self.conv(x))))
        return self.head((layer * layer).mean((2, 3)))

    @staticmethod
    def right(A: Any, G: Any) -> Any:
        return np.maximum((A * G.mean((2, 3), keepdims=True)).sum(1), 0)


class Windows(Kept):
    """784 tokens that attend in 16 windows of 7 x 7 are 28 x 28."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.norm, self.a = nn.Conv2d(3, 8, 4, 4), nn.LayerNorm(8), nn.Linear(8, 8)
        self.last, self.head = nn.LayerNorm(8), nn.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        t = self.patches(x).flatten(2).transpose(1, 2)
        cut = self.norm(t).view(-1, 4, 7, 4, 7, 8).transpose(2, 3).reshape(-1, 49, 8)
        seen = (cut @ cut.transpose(1, 2) / 3).softmax(-1) @ self.a(cut)
        back = seen.view(-1, 4, 4, 7, 7, 8).transpose(2, 3).reshape(-1, 784, 8)
        return self.head(self.last(self.keep(t + back)).transpose(1, 2).mean(2))

    @staticmethod
    def right(A: Any, G: Any) -> Any:
        return np.maximum((A * G.mean(1, keepdims=True)).sum(2), 0).reshape(-1, 28, 28)


class FramesInBatch(Kept):
    """Eight frames of one clip in the batch of a CNN, then a recurrent network: a map a frame."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn, self.rnn, self.head = cnn(), nn.LSTM(12, 6, batch_first=True), nn.Linear(6, 5)

    def forward(self, x: Any) -> Any:
        frames = self.keep(self.cnn(x.flatten(0, 1)))
        steps = self.rnn(frames.mean((2, 3)).view(-1, 8, 12))[0]
        return self.head(steps[:, -1])

    @staticmethod
    def right(A: Any, G: Any) -> Any:
        maps = np.maximum((A * G.mean((2, 3), keepdims=True)).sum(1), 0)
        return maps.reshape(-1, 8, *maps.shape[1:])


class Signals(Kept):
    """Keras' Conv1D: a convolution over [N, C, 1, T], its ReLU behind a Squeeze."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(9, 8, (1, 5), padding=(0, 2)), nn.Conv2d(8, 12, (1, 3))
        self.head = nn.Linear(12, 5)

    def forward(self, x: Any) -> Any:
        h = torch.relu(self.first(x.transpose(1, 2).unsqueeze(2)).squeeze(2))
        return self.head(self.keep(torch.relu(self.second(h.unsqueeze(2)).squeeze(2))).mean(2))

    @staticmethod
    def right(A: Any, G: Any) -> Any:
        return np.maximum((A * G.mean(2, keepdims=True)).sum(1), 0)


class Spectrogram(Kept):
    """[N, T, F] is turned before it is convolved: the map lies as the input does."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn, self.head = cnn(1), nn.Linear(12, 5)

    def forward(self, x: Any) -> Any:
        return self.head(self.keep(self.cnn(x[:, None].transpose(2, 3))).mean((2, 3)))

    @staticmethod
    def right(A: Any, G: Any) -> Any:
        maps = np.maximum((A * G.mean((2, 3), keepdims=True)).sum(1), 0)
        return maps.transpose(0, 2, 1)


class TwoWays(Kept):
    """A line of steps read in two directions; it ends in a mean over all steps."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn, self.head = cnn(), nn.Linear(12, 5)
        self.rnn = nn.GRU(96, 6, batch_first=True, bidirectional=True)

    def forward(self, x: Any) -> Any:
        steps = self.keep(self.cnn(x)).permute(0, 3, 1, 2).flatten(2)
        return self.head(self.rnn(steps)[0]).mean(1)

    @staticmethod
    def right(A: Any, G: Any) -> Any:
        return np.maximum((A * G.mean((2, 3), keepdims=True)).sum(1), 0)


Build = Callable[[], Kept]
SITUATIONS: dict[str, tuple[Build, tuple[int, ...], bool]] = {
    "reduced keys": (ReducedKeys, (2, 3, 96, 96), True),
    "pixels unshuffled": (Unshuffled, (2, 3, 24, 24), True),
    "windows": (Windows, (1, 3, 112, 112), True),
    "frames": (FramesInBatch, (2, 8, 3, 16, 16), False),
    "one clip": (FramesInBatch, (1, 8, 3, 16, 16), False),
    "signals": (Signals, (2, 40, 9), True),
    "a spectrogram": (Spectrogram, (2, 32, 24), True),
    "two ways": (TwoWays, (2, 3, 32, 32), True),
}
"""Network, shape of its input, and whether its batch is left open."""


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_default_map_is_the_one_by_hand(name: str, tmp_path: Path) -> None:
    build, shape, open_batch = SITUATIONS[name]
    torch.manual_seed(1)
    net = build().eval()
    x = torch.randn(shape)
    path = tmp_path / "net.onnx"
    to_onnx(net, x, path, exporter="torchscript", dynamic_batch=open_batch, verify=False)
    y = net(x)
    y[:, 1].sum().backward()
    A, G = (t.detach().numpy() for t in (net.layer, net.layer.grad))
    right = net.right(A, G)  # type: ignore[attr-defined]
    assert right.max() > 0
    found = explain(OnnxBackend(path), x.numpy(), target=1)
    np.testing.assert_allclose(found.map, right, rtol=1e-3, atol=1e-5 * right.max())
    (given,) = OnnxBackend(path).inputs()
    feed = {given.name: x.numpy(), "cam_class": np.array([1])}
    written = run(instrument(path), feed)["cam_map"]
    np.testing.assert_allclose(written, right, rtol=1e-3, atol=1e-5 * right.max())
