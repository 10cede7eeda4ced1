"""Which tensors are maps: where their channels are and what grid their space has.

The channel axis is read from the operators that made a tensor (Conv, pools, BatchNormalization:
axis 1; LayerNormalization, MatMul: the last) and followed through Transpose and Reshape; shapes
only give the grid of tokens.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import numpy as np

from cam_core.maps.layout import Layout

from ..reading.graph import Extent, Graph, Node, Tensor, floating
from ..reading.kinds import CHANNELS_FIRST, CHANNELS_LAST, EXTENTS, PRODUCTS
from ..reading.units import channels_last, computes

MOST_SUMMARY_TOKENS = 8
"""Class, distillation and register tokens that a token grid may be preceded by."""


class Maps:
    """Channel axes and layouts of all tensors of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.axes: dict[str, int] = {}
        self.flat: set[str] = set()
        """Maps whose space was flattened, [N, K, h*w]: views that only become tokens again."""
        for tensor in graph.inputs:
            axis = self._input_axis(tensor)
            if axis is not None:
                self.axes[tensor.name] = axis
        self.live = {tensor.name for tensor in graph.inputs}
        """What changes with the inputs' values."""
        for node in graph.nodes:
            if node.op not in EXTENTS and any(t.name in self.live for t in node.inputs):
                self.live.update(t.name for t in node.outputs)
            for tensor in node.outputs:
                axis = self._axis(node, tensor)
                if axis is not None:
                    self.axes[tensor.name] = axis

    def channel_axis(self, tensor: Tensor) -> int | None:
        """Where the tensor's channels are; None where no operator says so."""
        return self.axes.get(tensor.name)

    def layout(self, tensor: Tensor) -> Layout | None:
        """How to read the tensor as [N, K, *S]; None if it is no map."""
        axis, shape = self.axes.get(tensor.name), tensor.shape
        if axis is None or shape is None or len(shape) < 2 or axis == 0:
            return None
        if tensor.name in self.flat and axis == 1:
            return None
        if len(shape) == 3 and axis == 2:
            return self._tokens(shape[1])
        grid = self._flattened_grid(shape[2]) if len(shape) == 3 else ()
        if grid:
            return Layout("NCT", grid=grid)
        return Layout(_letters(len(shape), axis))

    def space(self, tensor: Tensor) -> tuple[Extent, ...]:
        """S of a map, () of anything else."""
        layout = self.layout(tensor)
        if layout is None:
            return ()
        if layout.grid:
            return tuple(layout.grid)
        return tuple(d for i, d in enumerate(tensor.shape) if i not in (0, layout.channel_axis))

    def channels(self, tensor: Tensor) -> Extent:
        """K of a map."""
        axis = self.axes.get(tensor.name)
        return None if axis is None else tensor.shape[axis]

    def _input_axis(self, tensor: Tensor) -> int | None:
        """An image input's: 1 where a convolution or pool reads it, else by the extents."""
        if not tensor.shape:
            return None
        readers = self.graph.consumers.get(tensor.name, [])
        if len(tensor.shape) > 2 and any(
            computes(node) in CHANNELS_FIRST and node.inputs[0].name == tensor.name
            for node in readers
        ):
            return 1
        return image_channels(tensor.shape)

    def _axis(self, node: Node, tensor: Tensor) -> int | None:
        if tensor.shape is None:
            return None
        rank, plain = len(tensor.shape), computes(node)
        if plain in PRODUCTS and sum(t.name in self.live for t in node.inputs) > 1:
            return None
        origin = self._regrouped(node)
        if origin is not None:
            return self.axes.get(origin.name) if origin.shape == tensor.shape else None
        if plain in CHANNELS_FIRST:
            return rank - 1 if channels_last(node) else 1
        if plain in CHANNELS_LAST:
            return rank - 1
        for source in node.inputs:
            axis = self.axes.get(source.name)
            if axis is None or source.shape is None or not self._valued(source):
                continue
            merged = node.op == "Reshape" and rank < len(source.shape)
            if rank < 4 and (merged or source.name in self.flat):
                self.flat.add(tensor.name)
            if node.op == "Transpose":
                perm = node.attrs.get("perm", list(range(rank))[::-1])
                return list(perm).index(axis) if axis in perm else None
            if node.op in ("Reshape", "Flatten"):
                return _reshaped(axis, source.shape, tensor.shape)
            if len(source.shape) == rank:
                return axis
        return None

    def _regrouped(self, node: Node) -> Tensor | None:
        """What a GroupNormalization of old opsets reads: Reshape, InstanceNormalization, Reshape.

        Given the second of them, or the third. In between lie groups and no map.
        """
        makers = self.graph.producer
        inner = makers.get(node.inputs[0].name) if node.op == "Reshape" else node
        if inner is None or inner.op != "InstanceNormalization":
            return None
        before = makers.get(inner.inputs[0].name)
        if before is None or before.op != "Reshape" or before.outputs[0].name in self.axes:
            return None
        return before.inputs[0]

    def _valued(self, tensor: Tensor) -> bool:
        """Does it hold values, quantised ones included, and not indices?"""
        maker = self.graph.producer.get(tensor.name)
        summed = maker is not None and computes(maker) != maker.op
        return summed or floating(tensor) or np.dtype(tensor.dtype).itemsize < 4

    def _flattened_grid(self, count: Extent) -> tuple[int, ...]:
        """The grid of a map [N, K, h*w] that is more than a view (a Conv over it, say)."""
        return next((grid for grid in self.grids if math.prod(grid) == count), ())

    def _tokens(self, count: Extent) -> Layout:
        if not isinstance(count, int):
            return Layout("NTC")
        for grid in self.grids:
            skip = count - math.prod(grid)
            if 0 <= skip <= MOST_SUMMARY_TOKENS and math.prod(grid) > 1:
                return Layout("NTC", grid=grid, skip=skip)
        return self._pictured(count)

    def _pictured(self, count: int) -> Layout:
        """Where no grid is flattened (Hiera): the picture's proportions, if tokens have them."""
        for tensor in self.graph.inputs:
            axis, shape = self.axes.get(tensor.name), tensor.shape
            size = [d for i, d in enumerate(shape or ()) if i not in (0, axis)]
            if axis is None or len(size) != 2 or not all(isinstance(d, int) and d for d in size):
                continue
            for skip in range(MOST_SUMMARY_TOKENS + 1):
                places = count - skip
                rows = math.isqrt(max(places, 0) * size[0] // size[1])
                if rows > 1 and rows * rows * size[1] == places * size[0]:
                    return Layout("NTC", grid=(rows, places // rows), skip=skip)
        return Layout("NTC")

    @functools.cached_property
    def grids(self) -> list[tuple[int, ...]]:
        """Static two- and three-dimensional grids that are flattened somewhere, smallest first."""
        found = {grid for node in self.graph.nodes for grid in self._flattened(node)}
        return sorted(found, key=math.prod)

    def _flattened(self, node: Node) -> Iterator[tuple[int, ...]]:
        if node.op not in ("Reshape", "Flatten") or node.inputs[0].shape is None:
            return
        shape, axis = node.inputs[0].shape, self.axes.get(node.inputs[0].name)
        grid = tuple(d for i, d in enumerate(shape) if i not in (0, axis))
        if axis is not None and len(shape) >= 4 and all(isinstance(d, int) for d in grid):
            yield grid


def image_channels(shape: tuple[Extent, ...]) -> int | None:
    """The channel axis of an image input: 1 or the last one, whichever has 1, 3 or 4 channels."""
    if len(shape) < 3:
        return None
    if shape[1] in (1, 3, 4):
        return 1
    return len(shape) - 1 if shape[-1] in (1, 3, 4) else 1


def _letters(rank: int, channel: int) -> str:
    """The axes of a map as Layout spells them: NCHW, NHWC, NCL, NCDHW."""
    space = {3: "L", 4: "HW", 5: "DHW"}.get(rank, "ABDEFGH"[: max(rank - 2, 0)])
    return f"N{space[: channel - 1]}C{space[channel - 1 :]}"


def _reshaped(axis: int, old: tuple[Extent, ...], new: tuple[Extent, ...]) -> int | None:
    """Where the channels are after a Reshape that left them whole, else None."""
    if axis == len(old) - 1 and new and new[-1] == old[-1] and len(new) > 1:
        return len(new) - 1
    if axis < len(new) and new[: axis + 1] == old[: axis + 1] and axis > 0:
        return axis
    return None
