"""Cut, padded, joined and seen otherwise: padded tensors whose numbers stay what they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..reading.graph import Tensor
from .op import Op
from .padding import around, remember, single
from .promises import Padded
from .views import groups, numbers


class Cut(NamedTuple):
    """What a Slice takes of a padded tensor."""

    begin: int
    end: int
    others: list[list[int]]
    """Starts, ends, axes and steps on the other axes."""


def _cut(op: Op, inputs: Sequence[Tensor], place: Padded) -> Cut | None:
    """None where that is known at run time only, or has gaps on the padded axis."""
    values = [op.value(t) for t in inputs[1:]]
    if len(values) < 3 or any(v is None for v in values):
        return None
    starts, ends, axes, *given = (v.tolist() for v in values if v is not None)
    steps = given[0] if given else [1] * len(axes)
    rank = len(place.core.shape)
    cuts = list(zip(starts, ends, (a % rank for a in axes), steps, strict=True))
    own = [cut for cut in cuts if cut[2] == place.axis]
    if any(step != 1 for *_, step in own):
        return None
    start, end, *_ = own[0] if own else (0, place.extent)
    begin, end, _ = slice(start, end).indices(place.extent)
    others = [list(part) for part in zip(*(c for c in cuts if c[2] != place.axis), strict=True)]
    return Cut(begin, end, others)


def outside(op: Op, inputs: Sequence[Tensor]) -> bool:
    """Does this Slice take nothing but zeros?"""
    place = op.promises.padded.get(inputs[0].name)
    cut = None if place is None else _cut(op, inputs, place)
    if place is None or cut is None:
        return False
    return cut.end <= place.before or cut.begin >= place.extent - place.after


def sliced(op: Op, inputs: Sequence[Tensor], place: Padded) -> Tensor | None:
    """Fewer zeros, or none; None where there is nothing else."""
    cut = _cut(op, inputs, place)
    if cut is None or outside(op, inputs):
        return None
    size = place.extent - place.before - place.after
    low, high = max(cut.begin - place.before, 0), min(cut.end - place.before, size)
    core = op.Slice(place.core, *cut.others) if cut.others else place.core
    if (low, high) != (0, size):
        core = op.Slice(core, [low], [high], [place.axis])
    before = max(place.before - cut.begin, 0)
    after = max(cut.end - place.before - size, 0)
    return around(op, Padded(core, place.axis, before, after)) if before + after else core


def widened(
    op: Op, inputs: Sequence[Tensor], place: Padded, attrs: dict[str, Any]
) -> Tensor | None:
    """More zeros, on any axis."""
    pads, rank = op.value(inputs[1]), len(place.core.shape)
    if attrs.get("mode", "constant") != "constant" or len(inputs) > 2:
        return None
    if pads is None or len(pads) != 2 * rank or (pads < 0).any():
        return None
    wanted = pads.tolist()
    before, after = place.before + wanted[place.axis], place.after + wanted[rank + place.axis]
    wanted[place.axis] = wanted[rank + place.axis] = 0
    core = op.Pad(place.core, wanted) if any(wanted) else place.core
    made = around(op, Padded(core, place.axis, before, after))
    if (before, after) == (place.before, place.after):
        remember(op, place.core, core, wanted)
        found = single(inputs[0], wanted)
        if found is not None:
            op.promises.joints[made.name] = found
    return made


def concatenated(op: Op, known: Sequence[Padded], attrs: dict[str, Any]) -> Tensor | None:
    """The same rows of all, side by side."""
    place = known[0]
    axis = attrs["axis"] % len(place.core.shape)
    if axis == place.axis:
        return None
    return around(op, place.of(op.Concat(*(p.core for p in known), axis=axis), place.axis))


def viewed(op: Op, op_type: str, inputs: Sequence[Tensor], place: Padded) -> Tensor | None:
    """Where the axis stays whole."""
    if op_type == "Reshape":
        return _reshaped(op, inputs, place)
    value, rank = op.value(inputs[1]) if len(inputs) > 1 else None, len(place.core.shape)
    if value is None:
        return None
    wide = rank + (len(value) if op_type == "Unsqueeze" else 0)
    axes = sorted(int(a) % wide for a in value)
    axis = place.axis
    if op_type == "Squeeze":
        if axis in axes:
            return None
        axis -= sum(a < axis for a in axes)
    else:
        for a in axes:
            axis += a <= axis
    return around(op, place.of(op.emit(op_type, place.core, inputs[1]), axis))


def _reshaped(op: Op, inputs: Sequence[Tensor], place: Padded) -> Tensor | None:
    shape, value = inputs[0].shape, op.value(inputs[1])
    if value is None or shape is None or None in shape:
        return None
    wanted = value.tolist()
    target = [shape[i] if d == 0 else int(d) for i, d in enumerate(wanted)]
    found = _same_place(shape, target, place) or _any_place(shape, target, place)
    if found is None:
        return None
    axis, named = found
    if axis != place.axis and wanted[place.axis : place.axis + 1] == [0]:
        return None
    wanted[axis] = named[axis] = int(place.core.shape[place.axis])
    return around(op, place.of(op.typed(op.Reshape(place.core, wanted), tuple(named)), axis))


def _same_place(
    shape: Sequence[Any], target: list[Any], place: Padded
) -> tuple[int, list[Any]] | None:
    """Where the axis has as much before it as there was, and what is made then."""
    axis, head = place.axis, [*shape[: place.axis]]
    if target[: axis + 1] not in ([*head, place.extent], [-1, *head[1:], place.extent]):
        return None
    tail = _inferred(shape[axis + 1 :], target[axis + 1 :])
    return None if tail is None else (axis, [*head, place.extent, *tail])


def _any_place(
    shape: Sequence[Any], target: list[Any], place: Padded
) -> tuple[int, list[Any]] | None:
    """The same wherever the axis went."""
    named = _inferred(shape, target)
    sizes = None if named is None else numbers(shape, named)
    for old, new in groups(*sizes) if sizes is not None else []:
        if old == [place.axis] and len(new) == 1 and named is not None:
            return new[0], named
    return None


def _inferred(shape: Sequence[Any], target: Sequence[Any]) -> list[Any] | None:
    """`target` with its -1 named: a number, or the one symbol that is left; None: unknown."""
    if -1 not in target:
        return list(target)
    symbols = [d for d in shape if not isinstance(d, int)]
    have = math.prod(d for d in shape if isinstance(d, int))
    want = math.prod(d for d in target if isinstance(d, int) and d != -1)
    if len(symbols) > 1 or any(not isinstance(d, int) for d in target):
        return None
    if want == 0 or (symbols and have != want):
        return None
    missing = symbols[0] if symbols else have // want
    return [missing if d == -1 else d for d in target]
