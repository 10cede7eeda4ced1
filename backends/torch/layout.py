"""Where a live tensor has its channels: read from the operators that autograd recorded."""

from __future__ import annotations

from math import isqrt, prod
from typing import Any

from cam_core.errors import LayerError
from cam_core.maps.layout import Layout

SPACE = {0: "", 1: "L", 2: "HW", 3: "DHW"}

CHANNELS_FIRST = ("Conv", "BatchNorm", "Pool", "Upsample", "GroupNorm", "InstanceNorm", "Prelu")
CHANNELS_LAST = ("LayerNorm", "Addmm", "MmBackward", "Bmm", "Linear", "RmsNorm", "Embedding")
REDUCTIONS = ("Select", "Mean", "Sum", "Unbind", "MaxBackward", "Amax")
VIEWS = ("Permute", "Transpose", "View", "Reshape", "Unsqueeze", "Squeeze", "Alias", "TBackward")
DEPTH = 64
SUMMARY = (0, 1, 2, 5)
"""Summary tokens before the patches: none, class, class and distillation, class and 4 registers."""


def find_layout(tensor: Any) -> Layout:
    """The layout of a module's output.

    The channels are where the last convolution, pool or batch norm (axis 1), or layer norm or
    product (last axis) left them, followed through transpositions and reshapes. Three axes with
    the channels last are tokens, on a square grid behind 0, 1, 2 or 5 summary tokens, or else a
    sequence.
    """
    shape = tuple(tensor.shape)
    space = SPACE.get(len(shape) - 2)
    if space is None:
        raise LayerError(f"a tensor of shape {list(shape)} has no channels: pass layout=")
    axis = _axis(tensor.grad_fn, shape, DEPTH) or (2 if space == "L" else 1)
    if space == "L" and axis == 2:
        return _tokens(shape[1])
    return Layout(f"N{space[: axis - 1]}C{space[axis - 1 :]}")


def is_view(tensor: Any) -> bool:
    """Whether the tensor only shows another one's values in another shape or order."""
    return tensor.grad_fn is not None and tensor.grad_fn.name().startswith(VIEWS)


def _tokens(count: int) -> Layout:
    for skip in SUMMARY:
        side = isqrt(max(count - skip, 0))
        if side > 1 and side * side == count - skip:
            return Layout("NTC", grid=(side, side), skip=skip)
    return Layout("NTC")


def _axis(function: Any, shape: tuple[int, ...], depth: int) -> int | None:
    """The channel axis of a recorded function's output of this shape."""
    if function is None or depth == 0:
        return None
    name = function.name().removeprefix("Native").removeprefix("Cudnn").removeprefix("Thnn")
    before = [step for step, _ in function.next_functions]
    if name.startswith(("Permute", "Transpose")):
        order = _order(function, len(shape))
        inner = [0] * len(shape)
        for position, source in enumerate(order):
            inner[source] = shape[position]
        axis = _axis(before[0], tuple(inner), depth - 1)
        return None if axis is None else order.index(axis)
    if name.startswith(("View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze")):
        seen = _before_view(function, shape)
        axis = _axis(before[0], seen, depth - 1)
        return None if axis is None else _moved(seen, shape, axis)
    if any(word in name for word in CHANNELS_FIRST):
        return 1
    if any(word in name for word in CHANNELS_LAST):
        return len(shape) - 1
    if name.startswith(REDUCTIONS):
        return None
    found = (_axis(step, shape, depth - 1) for step in before)
    return next((axis for axis in found if axis is not None and axis < len(shape)), None)


def _before_view(function: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    if hasattr(function, "_saved_self_sym_sizes"):
        return tuple(function._saved_self_sym_sizes)
    dim = _signed(function._saved_dim, len(shape))  # an unsqueeze
    return shape[:dim] + shape[dim + 1 :]


def _order(function: Any, rank: int) -> list[int]:
    if hasattr(function, "_saved_dims"):
        return [_signed(d, rank) for d in function._saved_dims]
    order = list(range(rank))
    i, j = (_signed(d, rank) for d in (function._saved_dim0, function._saved_dim1))
    order[i], order[j] = order[j], order[i]
    return order


def _signed(d: int, rank: int) -> int:
    """Autograd saves a negative axis as an unsigned 64-bit number."""
    return (d - 2**64 if d >= 2**63 else d) % rank


def _moved(before: tuple[int, ...], after: tuple[int, ...], axis: int) -> int | None:
    """Where a reshape leaves an axis that it does not split: as many elements come after it."""
    behind = prod(before[axis + 1 :])
    for position, extent in enumerate(after):
        if extent == before[axis] and prod(after[position + 1 :]) == behind:
            return position
    return None
