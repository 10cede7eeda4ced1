"""The layout of a live tensor, from its shape and the axis of its channels."""

from __future__ import annotations

from math import isqrt, prod

from cam_core.errors import LayerError
from cam_core.maps.layout import Layout

SPACE = {0: "", 1: "L", 2: "HW", 3: "DHW"}
SUMMARY = (0, 1, 2, 5)
"""Summary tokens before the patches: none, class, class and distillation, class and 4 registers."""


def layout_of(shape: tuple[int, ...], axis: int | None) -> Layout:
    """The layout of a tensor with its channels there (None: unknown, as most frameworks have them).

    Three axes with the channels last are tokens, on a square grid behind 0, 1, 2 or 5 summary
    tokens, or else a sequence.
    """
    space = SPACE.get(len(shape) - 2)
    if space is None:
        raise LayerError(f"a tensor of shape {list(shape)} has no channels: pass layout=")
    axis = axis or (2 if space == "L" else 1)
    if space == "L" and axis == 2:
        return _tokens(shape[1])
    return Layout(f"N{space[: axis - 1]}C{space[axis - 1 :]}")


def _tokens(count: int) -> Layout:
    for skip in SUMMARY:
        side = isqrt(max(count - skip, 0))
        if side > 1 and side * side == count - skip:
            return Layout("NTC", grid=(side, side), skip=skip)
    return Layout("NTC")


def after_reshape(before: tuple[int, ...], after: tuple[int, ...], axis: int) -> int | None:
    """Where a reshape leaves an axis that it does not split: as many elements come after it."""
    behind = prod(before[axis + 1 :])
    for position, extent in enumerate(after):
        if extent == before[axis] and prod(after[position + 1 :]) == behind:
            return position
    return None
