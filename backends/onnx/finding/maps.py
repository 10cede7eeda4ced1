"""Which tensors are maps: how each is read as [N, K, *S], by where its axes come from."""

from __future__ import annotations

from cam_core.backend import InputInfo
from cam_core.maps.arrangement import Arrangement
from cam_core.maps.layout import Layout
from cam_core.maps.share import Share
from cam_core.region import Region

from ..reading.graph import Extent, Graph, Tensor, numpy_type
from ..reading.probes import open_axes
from .axes.factors import Axes, Given, Origin, leaves
from .places import Seen, read
from .roles import Followed, batch_axis, roles, row_axes
from .shared import Part, part_of, sharing


class Maps:
    """The tensors of a graph as maps, seen from one score."""

    def __init__(self, graph: Graph, found: Followed, score: Tensor) -> None:
        self.graph, self.found = graph, found
        self.roles = roles(graph, found, score)
        self._row_axes = row_axes(graph, found, self.roles, score)
        own = found.first.get(score.name, ())
        self._joined_score, at = bool(sharing(own)), batch_axis(own)
        self.rows: Extent = None if at is None else score.shape[at]
        """How many the score has."""
        self._seen: dict[tuple[str, str], Seen | None] = {}

    def seen(self, tensor: Tensor, over: str = "") -> Seen | None:
        """The tensor as a map; None if it is none.

        `over`: of the inputs that share its batch, the one whose rows count; '' is the first.
        """
        key = str(tensor.name), over
        if key not in self._seen:
            axes = self._axes(tensor, over)
            found = None if axes is None else read(*axes, self.roles)
            self._seen[key] = found if self._batch_where_said(tensor, over, found) else None
        return self._seen[key]

    def _batch_where_said(self, tensor: Tensor, over: str, seen: Seen | None) -> bool:
        """Is a batch that several inputs share the axis on which they are put together?"""
        share = None if seen is None else self._share(tensor, over, seen)
        return share is None or share[0].axis == share[1].axis

    def _share(self, tensor: Tensor, over: str, seen: Seen) -> tuple[Share, Part] | None:
        """How the rows of one input are read; None where it is the only one."""
        names = self.joined_rows(tensor)
        parts = self._parts(tensor, over or names[0]) if names else None
        if parts is None:
            return None
        part = parts[0]
        return Share(seen.layout, part.number, part.count, part.turns), part

    def _axes(self, tensor: Tensor, over: str = "") -> tuple[Axes, Axes] | None:
        """At both probes; where inputs share a batch, with the rows of one of them."""
        names = self.joined_rows(tensor)
        if not names:
            return self.found.of(tensor)
        parts = self._parts(tensor, over or names[0])
        return None if parts is None else (parts[0].axes, parts[1].axes)

    def _parts(self, tensor: Tensor, over: str) -> tuple[Part, Part] | None:
        """The rows of an input in a batch that several share; None where they can't be taken."""
        if self._joined_score:
            return None
        axes = self.found.toward[over].of(tensor)
        first, second = (None, None) if axes is None else (part_of(one, over) for one in axes)
        if first is None or second is None or first.place != second.place:
            return None
        rows = {o for o in leaves(first.axes[first.axis]) if isinstance(o, Given) and o.axis == 0}
        counted = all(o.extent == 1 or o in self.roles.batch for o in rows)
        return (first, second) if counted else None

    def shared(self, tensor: Tensor) -> list[str]:
        """The inputs that share the batch of a map and have maps of their own in it; mostly []."""
        names = self.joined_rows(tensor)
        return [name for name in names if self.layout(tensor, name) is not None]

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

    def inputs(self, tensor: Tensor) -> list[str]:
        """The inputs over which a tensor has maps: mostly one, [''] where it has no places."""
        return self.shared(tensor) or [self.input(tensor)]

    def layout(self, tensor: Tensor, over: str = "") -> Layout | Arrangement | Share | None:
        """How to read the tensor as [N, K, *S]; None if it is no map."""
        seen = self.seen(tensor, over)
        if seen is None:
            return None
        share = self._share(tensor, over, seen)
        return seen.layout if share is None else share[0]

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
        return any(self.is_place(o) for axis in axes for o in leaves(axis))

    def is_place(self, origin: Origin) -> bool:
        """Does it walk over places of an input?"""
        if not isinstance(origin, Given):
            return False
        return origin.extent > 1 and self.roles.of(origin) == "space"

    def rows_are_places(self, tensor: Tensor) -> bool:
        """Are there places of a picture, or anchors, along a tensor's first axis?"""
        axes = self.found.first.get(tensor.name, ())
        origins = {o for o in leaves(axes[0]) if isinstance(o, Given)} if axes else set()
        return any(o.extent > 1 and self.roles.of(o) == "space" for o in origins)

    def plain(self, tensor: Tensor) -> bool:
        """Is a map read as it lies, or is it none: no windows, nothing on its side?"""
        seen = self.seen(tensor)
        layout = None if seen is None else seen.layout
        return not isinstance(layout, Arrangement) and not (layout is not None and layout.windows)

    def apart(self, tensor: Tensor) -> bool:
        """Are its channels taken apart, as queries, keys and values are into heads?"""
        seen = self.seen(tensor)
        return seen is not None and seen.apart

    def region(self, tensor: Tensor, over: str = "") -> Region | None:
        """What of an input a map covers; None where its axes are not those of the input."""
        seen = self.seen(tensor, over)
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
        """The inputs whose rows a tensor holds in one batch; none where that is one input."""
        return sharing(self.found.first.get(tensor.name, ()))

    def own_batch(self, tensor: Tensor) -> bool:
        """Has it the rows of the score, each for itself?"""
        axes = self._axes(tensor)
        rows = {origin for origin in self.roles.batch if origin.extent > 1}
        if axes is None or not rows:
            return axes is not None
        return any(factor.origin in rows for axis in axes[0] for factor in axis)
