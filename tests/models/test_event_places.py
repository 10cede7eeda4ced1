"""Where a whole network's map lies: an event moves the cells that are said to lie over it.

A patch of the picture changes, and what changes most in the layer's own activations is compared
with the place of the patch: a trace of the network itself, which no layout has made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from backends.onnx import OnnxBackend  # noqa: E402
from converters.torch import to_onnx  # noqa: E402
from tests.models.networks import NETS, randomise  # noqa: E402

PATCH = 4
"""Pixels of an event's side."""
PLACES = ((0.1, 0.15), (0.9, 0.1), (0.15, 0.85), (0.85, 0.9), (0.5, 0.4))
"""Of its middle, as parts of height and width."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events")


@pytest.mark.parametrize("name", NETS)
def test_what_changes_most_lies_over_the_event(name: str, folder: Path) -> None:
    row = NETS[name]
    net = randomise(row.build(), seed=7)
    exporter, _, opset = row.exports.split()[0].partition("-")
    path = folder / f"{name}.onnx"
    x = torch.randn(2, 3, row.size, row.size, generator=torch.Generator().manual_seed(3)) * 0.1
    to_onnx(net, x, path, exporter=exporter, opset=int(opset), verify=False)
    backend = OnnxBackend(path)
    look = backend.look(x.numpy())
    (layer,) = look.layers
    region = look.regions[layer]
    assert (region.axes, region.windows) == ((2, 3), ((0, 1), (0, 1)))
    near = [moved(backend, layer, x.numpy(), place) for place in PLACES]
    assert sum(near) >= len(PLACES) - 1, near


def moved(backend: OnnxBackend, layer: str, x: Any, place: tuple[float, float]) -> bool:
    """Is the cell that changes most no further than a cell from the event?"""
    before = backend.look(x, layers=[layer]).activations[layer]
    size = x.shape[-1]
    rows, columns = (patch(int(p * size)) for p in place)
    changed = x.copy()
    changed[0, :, rows, columns] += 3
    after = backend.look(changed, layers=[layer]).activations[layer]
    assert np.array_equal(after[1], before[1]), "the other row of the batch"
    heat = np.abs(after[0] - before[0]).sum(0)
    peak = np.unravel_index(heat.argmax(), heat.shape)
    middles = [(p + 0.5) / n for p, n in zip(peak, heat.shape, strict=True)]
    return all(abs(m - p) <= 1.5 / n for m, p, n in zip(middles, place, heat.shape, strict=True))


def patch(middle: int) -> slice:
    return slice(max(middle - PATCH // 2, 0), middle + PATCH // 2)
