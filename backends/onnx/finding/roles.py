"""What the axes of the inputs are: rows of the batch, channels, places; from how they are used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..reading.graph import Graph, Tensor
from ..reading.kinds import CHANNELS_FIRST, RECURRENT
from ..reading.units import channels_last, computes
from .axes.factors import Axes, Axis, Given, leaves, loss, size
from .axes.walk import Found, followed
from .places import Roles
from .shared import sharing

CONTRACTING = {"Conv", "ConvTranspose", "MatMul", "Gemm", "Einsum", *RECURRENT}
"""Operators that sum over channels: the first one says which those are."""
MIXING = {"MatMul", "Gemm", "Einsum"}
"""Those that sum over whichever axis lies last."""
BESIDE = {"Add", "Sub", "Mul"}


@dataclass(frozen=True)
class Followed:
    """The axes of all tensors, at both probes."""

    first: Found
    second: Found
    toward: Mapping[str, Followed] = field(default_factory=dict)
    """By input that shares its batch with others: the same as it is seen from that one."""

    def of(self, tensor: Tensor) -> tuple[Axes, Axes] | None:
        """Those of one tensor; None where its shape is not known."""
        a, b = self.first.get(tensor.name), self.second.get(tensor.name)
        return None if a is None or b is None else (a, b)


def follow(graph: Graph) -> Followed:
    """One walk where every extent is a number, else one a probe."""
    found = _followed(graph)
    shared = {name: None for axes in found.first.values() for name in sharing(axes)}
    return replace(found, toward={name: _followed(graph, name) for name in shared})


def _followed(graph: Graph, toward: str = "") -> Followed:
    first = followed(graph, 0, toward)
    open_ended = any(not isinstance(d, int) for t in graph.inputs for d in t.shape or ())
    return Followed(first, followed(graph, 1, toward) if open_ended else first)


def batch_axis(axes: Axes) -> int | None:
    """Which axis of a score counts rows: what descends from an input's first axis.

    The first axis of the score, if it does; a place does not, and then another axis may.
    """
    starts = [_first_axis(axis) for axis in axes]
    if not axes or starts[0] or not _placed(axes[0]):
        return 0 if axes else None
    found = [i for i, start in enumerate(starts) if start]
    single = [i for i, axis in enumerate(axes) if not axis or all(f.extent == 1 for f in axis)]
    return next(iter(found or single), 0)


def own_rows(axes: Axes) -> int | None:
    """Which axis descends from an input's first, wherever it stands; None: none does."""
    return next((i for i, axis in enumerate(axes) if _first_axis(axis)), None)


def roles(graph: Graph, found: Followed, score: Tensor) -> Roles:
    """Seen from a score."""
    axes = found.first.get(score.name, ())
    at = batch_axis(axes)
    batch = set() if at is None else {o for o in _given(axes[at]) if o.axis == 0}
    if not batch and at is not None:
        batch = _later_rows(found, axes, at)
    rows = score.shape[0] if at is None or not score.shape else score.shape[at]
    names = {origin.input for origin in batch}
    unclear = not batch and (at is None or loss(axes[at]) is not None)
    for tensor in graph.inputs:
        own = found.first.get(tensor.name)
        if not own or not tensor.shape or tensor.name in names:
            continue
        shared = [i for i, d in enumerate(tensor.shape) if isinstance(d, str) and d == rows]
        if shared[:1] > [0] and own[shared[0]]:  # a recurrent state [layers, N, units]
            batch |= set(_given(own[shared[0]]))
            continue
        any_number = not isinstance(tensor.shape[0], int)
        same = any_number and tensor.shape[0] == rows
        if same or (not batch and tensor.shape[0] == rows) or (unclear and any_number):
            batch |= set(_given(own[0]))
    batch |= _sharing(found, batch)
    channels = {o for o in _channels(graph, found, batch) if o.input not in found.toward}
    for name, seen in found.toward.items():
        channels |= {o for o in _channels(graph, seen, batch) if o.input == name}
    return Roles(frozenset(batch), frozenset(channels))


def _sharing(found: Followed, batch: set[Given]) -> set[Given]:
    """The rows of inputs that share a batch with rows, as many of each."""
    extents = {origin.extent for origin in batch}
    more: set[Given] = set()
    for names in {tuple(sharing(axes)) for axes in found.first.values()}:
        rows = {o for name in names for o in _given(found.first[name][0])}
        if rows & batch:
            more |= {origin for origin in rows if origin.extent in extents}
    return more


def _later_rows(found: Followed, axes: Axes, at: int) -> set[Given]:
    """Rows that an input counts on another axis, [T, N, F]: its first is gone from the score."""
    left = {origin for axis in axes for origin in _given(axis)}
    rows = set()
    for origin in _given(axes[at]):
        first = found.first.get(origin.input, ((),))[0]
        gone = size(first) > 1 and not left & set(_given(first))
        if gone and origin.extent > 1:
            rows.add(origin)
    return rows


def row_axes(graph: Graph, found: Followed, roles: Roles, score: Tensor) -> dict[str, int]:
    """By input, the axis that counts the rows of the score; what has none is given whole.

    An axis of which several cells make one row (the frames of clips) counts none. Where every
    batch is 1, a first axis of 1 counts them, and an open one where it is not known what the
    score descends from.
    """
    axes = found.first.get(score.name, ())
    merged = {f.origin for axis in axes for f in axis if abs(f.width) != 1}
    rows = sorted(roles.batch - merged, key=lambda origin: -origin.axis)
    known = {origin.input: origin.axis for origin in rows}
    if any(origin.extent > 1 for origin in roles.batch):
        return known
    unclear = not axes or any(loss(axis) is not None for axis in axes)
    for tensor in graph.inputs:
        own = found.first.get(tensor.name)
        if own and (size(own[0]) == 1 or (unclear and not isinstance(tensor.shape[0], int))):
            known[tensor.name] = 0
    return known


def _channels(graph: Graph, found: Followed, batch: set[Given]) -> Iterator[Given]:
    """By input, the axis that the first operator with weights sums over; of states, their units.

    A product over an axis that comes back beside it mixes places, as it may channels: the next one
    says more. Where all are such, the last axis of the input is the channels.
    """
    decided: set[str] = set()
    mixed = _mixed(graph, found)
    passed: dict[str, list[Given]] = {}
    for node in graph.nodes:
        what = computes(node)
        if what not in CONTRACTING and what not in CHANNELS_FIRST:
            continue
        for tensor in (*node.inputs[:1], *(node.inputs[5:7] if what in RECURRENT else ())):
            axes = found.first.get(tensor.name)
            if not axes or len(axes) < 2:
                continue
            summed = axes[1] if what in CHANNELS_FIRST and not channels_last(node) else axes[-1]
            here = {origin.input for axis in axes for origin in _given(axis)} - decided
            for name in sorted(here):
                own = list(_one(name, axes, summed, batch))
                if what in MIXING and own and mixed.issuperset(own):
                    passed.setdefault(name, []).extend(own)
                    continue
                decided.add(name)
                yield from own or _last(passed.get(name, ()))
    for name in sorted(passed.keys() - decided):
        yield from _last(passed[name])


def _last(origins: Iterable[Given]) -> list[Given]:
    """The last of an input's axes."""
    return sorted(origins, key=lambda origin: origin.axis)[-1:]


def _mixed(graph: Graph, found: Followed) -> set[Given]:
    """Axes that what was summed over them is put back beside: by a residual, by a gate."""
    seen: set[Given] = set()
    for node in graph.nodes:
        if node.op not in BESIDE or len(node.inputs) != 2:
            continue
        both = [found.first.get(t.name, ()) for t in node.inputs]
        if not all(any(_given(axis) for axis in axes) for axes in both):  # a weight
            continue
        for a, b in zip(*(axes[::-1] for axes in both), strict=False):
            if size(a) == size(b) > 1 and bool(_given(a)) != bool(_given(b)):
                seen.update(_given(a), _given(b))
    return seen


def _one(name: str, axes: Axes, summed: Axis, batch: set[Given]) -> Iterator[Given]:
    """The axis of an input that lies in `summed` and nowhere else, if one does."""
    inside = {o for o in _given(summed) if o.input == name and o not in batch}
    rest = {o for axis in axes if axis is not summed for o in _given(axis)}
    whole = sorted(inside - rest, key=lambda origin: origin.axis)
    if len(whole) > 1:
        few = [origin for origin in whole if origin.extent in (1, 3, 4)]
        whole = (few or whole[-1:])[:1]
    yield from whole


def _given(axis: Axis) -> list[Given]:
    return [origin for origin in leaves(axis) if isinstance(origin, Given)]


def _first_axis(axis: Sequence[object]) -> bool:
    return any(origin.axis == 0 for origin in _given(axis))  # type: ignore[arg-type]


def _placed(axis: Axis) -> bool:
    """Has it a place on another axis of an input than the first, and more than one cell?"""
    return any(f.extent > 1 for f in axis) and any(o.axis != 0 for o in _given(axis))
