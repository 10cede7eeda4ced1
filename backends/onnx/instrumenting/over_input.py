"""Methods about the input inside the file: their formula, traced over it and its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cam_core.errors import InputError, ModelError
from cam_core.maps.combine import laid_over, positive, total
from cam_core.maps.diagnosis import noise_floor
from cam_core.methods import Method
from cam_core.region import Region

from ..finding.analysis import Analysis
from ..reading.graph import Tensor, floating
from ..writing.arithmetic import as_float32
from ..writing.op import Op
from .methods import CamTensors
from .trace import Traced


@dataclass(frozen=True)
class Given:
    """What a file can tell of a question: arrays by the names of `cam_core.methods.Question`."""

    X: Any
    GX: Any
    R: Any
    """Guided dY/dX."""
    A: Any = None
    G: Any = None
    region: Region | None = None

    def over_input(self, maps: Any) -> Any:
        """Maps of the layer at the cells of X."""
        size = tuple(self.X.shape[2:])
        if not all(isinstance(extent, int) for extent in size):
            raise ModelError(
                f"the layer's map is enlarged to the input, whose size {size} the file leaves "
                "open: fix it with --static, or take method 'guided'"
            )
        return laid_over(maps, size, self.region)


@dataclass(frozen=True)
class Source:
    """The input that a map lies over, and its gradients by name of `Question`."""

    op: Op
    tensor: Tensor
    channels: int | None
    """Its axis of channels; the features of a vector are its places, they are told apart."""

    @property
    def name(self) -> str:
        """Of the input."""
        return str(self.tensor.name)

    @property
    def layout(self) -> str:
        """Its axes: NCHW, NHWC, NW."""
        places = iter("DHW"[-(len(self.tensor.shape) - 1 - (self.channels is not None)) :])
        rest = range(1, len(self.tensor.shape))
        return "N" + "".join("C" if i == self.channels else next(places, "?") for i in rest)

    @property
    def whole(self) -> Region:
        """All of it."""
        axes = tuple(i for i in range(1, len(self.tensor.shape)) if i != self.channels)
        return Region(self.name, axes, ((0, 1),) * len(axes), axes)

    def first(self, x: Tensor | None) -> Any:
        """A tensor like the input as [N, C, *S], in float32; what has no channels gets one."""
        if x is None:
            return None
        traced: Any = Traced(self.op, as_float32(self.op, x))
        if self.channels is None:
            return np.expand_dims(traced, 1) if traced.ndim in (2, 3) else traced
        axes = [i for i in range(1, traced.ndim) if i != self.channels]
        return np.transpose(traced, [0, self.channels, *axes])

    def given(self, gx: Tensor | None, guided: Tensor | None, **layer: Any) -> Given:
        """The arrays of a question."""
        return Given(self.first(self.tensor), self.first(gx), self.first(guided), **layer)


def sources(analysis: Analysis) -> list[str]:
    """The inputs that have a gradient.

    Raises:
        InputError: there is none.
    """
    path = analysis.layers.path
    found = [str(t.name) for t in analysis.graph.inputs if t.name in path and floating(t)]
    if not found:
        raise InputError("no floating point input reaches the score")
    return found


def source_of(op: Op, analysis: Analysis, names: Sequence[str]) -> Source:
    """The input whose places the layer has; else the first picture, else the first of `names`."""
    regions = [choice.region for choice in analysis.choices[:1]]
    named = [region.input for region in regions if region is not None and region.input in names]
    maps, tensors = analysis.layers.maps, analysis.graph.tensors
    pictures = [name for name in names if maps.input_channels(tensors[name]) is not None]
    tensor = tensors[(named or pictures or list(names))[0]]
    return Source(op, tensor, maps.input_channels(tensor) if len(tensor.shape) > 2 else None)


def over_input(method: Method, given: Given) -> CamTensors:
    """Alpha where the method has one, the signed map and its positive part [N, *S], in float32."""
    found: Any = method(given.X, given.GX) if method.of_arrays else method.formula(given)
    weighted = np.expand_dims(found, 1) if method.gives == "map" else found * given.X
    signed: Any = found if method.gives == "map" else total(weighted)
    lit: Any = positive(signed)
    floor: Any = noise_floor(weighted, np.dtype(np.float32))
    alpha = None if method.gives == "map" else found.tensor
    return CamTensors(alpha, signed.tensor, lit.tensor, floor.tensor)


def by_gradient(method: Method | None) -> bool:
    """Does it need dY/dX?"""
    if method is None:
        return False
    return (method.of_arrays and "gradients" in method.needs) or "input gradients" in method.needs
