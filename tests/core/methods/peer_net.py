"""The peers and a small network for them: a layer with curved activations behind it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Array = np.ndarray
LAYER = "3"
CLASS = 2


def peer(name: str) -> Any:
    """The package; a skip where it is not there, or its torchvision does not fit torch."""
    try:
        from benchmarks.zoo.models import torchvision

        torchvision()
    except ImportError:
        pass  # the peer says itself what it lacks
    try:
        return pytest.importorskip(name, reason=f"{name} is a peer, not needed to run")
    except RuntimeError as error:
        pytest.skip(f"{name} does not load here: {error}")


def module() -> Any:
    """Convolutions, then a SiLU, a mean and a linear layer; seeded. The layer is `3`."""
    import torch
    from torch import nn

    found = nn.Sequential(
        *(nn.Conv2d(3, 6, 3, 2, 1), nn.ReLU(), nn.Conv2d(6, 8, 3, 2, 1), nn.ReLU()),
        *(nn.Conv2d(8, 8, 3, 1, 1), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(8, 5),
    ).eval()
    rng = np.random.default_rng(3)
    for weight in found.parameters():
        wide = 1 / np.sqrt(weight[0].numel()) if weight.ndim > 1 else 0.1
        drawn = rng.normal(scale=1.5 * wide, size=tuple(weight.shape)).astype(np.float32)
        weight.data = torch.from_numpy(drawn)
    return found


def pictures() -> Array:
    """Two rows [2, 3, 24, 32]."""
    return np.random.default_rng(4).normal(size=(2, 3, 24, 32)).astype(np.float32)


def exported(place: Path) -> Any:
    """A backend of the network as torch writes it."""
    from backends.onnx import OnnxBackend
    from converters.torch import to_onnx

    path, _ = to_onnx(module(), pictures(), place / "net.onnx", exporter="torchscript")
    return OnnxBackend(path)


@functools.cache
def layer_values() -> tuple[Array, Array]:
    """A and G of the layer for CLASS, by torch, of both rows."""
    import torch

    net = module()
    A = net[:4](torch.from_numpy(pictures())).detach().requires_grad_()
    net[4:](A)[:, CLASS].sum().backward()
    return A.detach().numpy(), A.grad.numpy()


def as_signed(found: Array, like: Array) -> Array:
    """Maps with the sign of `like`: a direction has none of its own."""
    axes = tuple(range(1, found.ndim))
    return found * np.sign(np.sum(found * like, axis=axes, keepdims=True))
