"""Which part of the input a layer's heatmap is painted over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cam_core.errors import InputError
from cam_core.region import Window

from ..finding.analysis import Analysis
from ..finding.layers import Choice


def canvas(
    analysis: Analysis, choice: Choice
) -> tuple[tuple[int, ...], list[Window] | None, tuple[int, ...] | None]:
    """The spatial extents of the input that a layer's maps are of, what of it they cover, along
    which of its axes.
    """
    region = choice.region
    if region is not None:
        tensor = analysis.graph.tensors[region.input]
        axes = region.space if set(region.axes) <= set(region.space) else region.axes
        extents = dict(enumerate(tensor.shape)) | dict(region.folded)
        size = _static(tensor.name, [extents[i] for i in axes])
        return size, list(region.windows), region.along(len(size))
    for tensor in analysis.graph.inputs:
        axis = analysis.layers.maps.input_channels(tensor)
        if axis is not None and tensor.name in analysis.layers.path:
            space = [d for i, d in enumerate(tensor.shape) if i not in (0, axis)]
            return _static(tensor.name, space), None, None
    raise InputError("output 'heatmap' needs an image input; use 'map'")


def _static(name: str, size: Sequence[Any]) -> tuple[int, ...]:
    if all(isinstance(d, int) for d in size):
        return tuple(size)
    raise InputError(
        f"output 'heatmap' needs a static input size, '{name}' has {tuple(size)}; "
        f"use 'map' and resize it"
    )
