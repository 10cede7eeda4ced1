"""Which tensors are maps: how each is read as [N, K, *S], by where its axes come from."""

from __future__ import annotations

from itertools import chain

from cam_core.backend import InputInfo
from cam_core.maps.arrangement import Arrangement
from cam_core.maps.layout import Layout
from cam_core.region import Region

from ..reading.graph import Extent, Graph, Tensor, numpy_type
from ..reading.probes import open_axes
from .axes.factors import Given, Joined, Sides, leaves
from .places import Seen, read
from .roles import Followed, roles, row_axes


class Maps:
    """The tensors of a graph as maps, seen from one score."""

    def __init__(self, graph: Graph, found: Followed, score: Tensor) -> None:
        self.graph, self.found = graph, found
        self.roles = roles(graph, found, score)
        self._row_axes = row_axes(graph, found, self.roles, score)
        self._seen: dict[str, Seen | None] = {}

    def seen(self, tensor: Tensor) -> Seen | None:
        """The tensor as a map; None if it is none."""
        if tensor.name not in self._seen:
            axes = None if self.joined_rows(tensor) else self.found.of(tensor)
            self._seen[tensor.name] = None if axes is None else read(*axes, self.roles)
        return self._seen[tensor.name]

    def taken(self, tensor: Tensor) -> InputInfo:
        """What an input is, for whoever feeds it."""
        kind, shape = numpy_type(tensor.dtype), tuple(tensor.shape or ())
        rows = self._row_axes.get(tensor.name)
        decided = tuple(
            axis
            for axis in open_axes(self.graph.model, tensor.name)
            if axis not in (0, rows) and isinstance(shape[axis], int)
        )
        return InputInfo(tensor.name, shape, kind, self.input_channels(tensor), rows, decided)

    def input_channels(self, tensor: Tensor) -> int | None:
        """Which axis of an input is summed over first: colours, features; None: none is."""
        mine = (origin.axis for origin in self.roles.channels if origin.input == tensor.name)
        laid_out = dict(self.folded(tensor.name))
        return next((axis for axis in mine if axis not in laid_out), None)

    def folded(self, name: str) -> tuple[tuple[int, int], ...]:
        """(axis, extent) of those that the file lays an input's last axis out in; () if none."""
        own = self.found.first.get(name, ())
        origins = [o for o in leaves(own[-1]) if isinstance(o, Given)] if own else []
        return tuple((o.axis, o.extent) for o in origins) if len(origins) > 1 else ()

    def input(self, tensor: Tensor) -> str:
        """The input whose places a map has; '' of anything else."""
        seen = self.seen(tensor)
        return "" if seen is None else seen.input

    def layout(self, tensor: Tensor) -> Layout | Arrangement | None:
        """How to read the tensor as [N, K, *S]; None if it is no map."""
        seen = self.seen(tensor)
        return None if seen is None else seen.layout

    def space(self, tensor: Tensor) -> tuple[Extent, ...]:
        """S of a map, () of anything else."""
        seen = self.seen(tensor)
        if seen is None:
            return ()
        layout = seen.layout
        if isinstance(layout, Layout) and "T" not in layout.axes:
            return tuple(d for i, d in enumerate(tensor.shape) if layout.axes[i] not in "NC")
        if isinstance(layout, Layout) and not layout.grid:
            count = tensor.shape[layout.axes.index("T")]
            return (count - layout.summary if isinstance(count, int) else count,)
        return tuple(seen.extents)

    def channels(self, tensor: Tensor) -> Extent:
        """K of a map."""
        seen = self.seen(tensor)
        return None if seen is None else seen.channels

    def placed(self, tensor: Tensor) -> bool:
        """Has it an axis along a place of an input, however it is joined or laid out?"""
        axes = self.found.first.get(tensor.name, ())
        origins = {o for axis in axes for o in leaves(axis) if isinstance(o, Given)}
        return any(o.extent > 1 and self.roles.of(o) == "space" for o in origins)

    def rows_are_places(self, tensor: Tensor) -> bool:
        """Are there places of a picture, or anchors, along a tensor's first axis?"""
        axes = self.found.first.get(tensor.name, ())
        origins = {o for o in leaves(axes[0]) if isinstance(o, Given)} if axes else set()
        return any(o.extent > 1 and self.roles.of(o) == "space" for o in origins)

    def plain(self, tensor: Tensor) -> bool:
        """Is a map read as it lies, or is it none: no windows, nothing on its side?"""
        layout = self.layout(tensor)
        return not isinstance(layout, Arrangement) and not (layout is not None and layout.windows)

    def apart(self, tensor: Tensor) -> bool:
        """Are its channels taken apart, as queries, keys and values are into heads?"""
        seen = self.seen(tensor)
        return seen is not None and seen.apart

    def region(self, tensor: Tensor) -> Region | None:
        """What of an input a map covers; None where its axes are not those of the input."""
        seen = self.seen(tensor)
        if seen is None or len(self.space(tensor)) != len(seen.windows):
            return None
        windows, shifts = (
            tuple((float(low), float(high)) for low, high in both)
            for both in (seen.windows, seen.shifts)
        )
        shifts = shifts if any(map(any, shifts)) else ()
        space, folded = self._places_of(seen.input), self.folded(seen.input)
        return Region(seen.input, seen.places, windows, space, folded, shifts)

    def _places_of(self, name: str) -> tuple[int, ...]:
        """The axes of an input that are places."""
        own = self.found.first.get(name, ())
        origins = (o for axis in own for o in leaves(axis) if isinstance(o, Given))
        return tuple(o.axis for o in origins if o.axis > 0 and self.roles.of(o) == "space")

    def joined_rows(self, tensor: Tensor) -> list[str]:
        """The inputs whose rows a tensor holds one after the other; none where that is one input.

        Such a tensor holds maps of each of them, and is no map of the score's rows.
        """
        axes = self.found.first.get(tensor.name)
        sides = [f.origin.inputs for f in axes[0] if isinstance(f.origin, Sides)] if axes else []
        if sides:
            return list(sides[0])
        parts = [f.origin.parts for f in axes[0] if isinstance(f.origin, Joined)] if axes else []
        rows = [o for axis in chain(*parts) for o in leaves(axis) if isinstance(o, Given)]
        names = list(dict.fromkeys(o.input for o in rows if o.axis == 0))
        return names if len(names) > 1 else []

    def own_batch(self, tensor: Tensor) -> bool:
        """Has it the rows of the score, each for itself?"""
        axes = self.found.first.get(tensor.name)
        rows = {origin for origin in self.roles.batch if origin.extent > 1}
        if axes is None or not rows:
            return axes is not None
        return any(factor.origin in rows for axis in axes for factor in axis)
