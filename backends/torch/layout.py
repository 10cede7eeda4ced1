"""Where a live tensor has its channels: read from the operators that autograd recorded."""

from __future__ import annotations

from typing import Any

from cam_core.maps.layout import Layout

from ..live.layout import after_reshape, layout_of

CHANNELS_FIRST = ("Conv", "BatchNorm", "Pool", "Upsample", "GroupNorm", "InstanceNorm", "Prelu")
CHANNELS_LAST = ("LayerNorm", "Addmm", "MmBackward", "Bmm", "Linear", "RmsNorm", "Embedding")
REDUCTIONS = ("Select", "Mean", "Sum", "Unbind", "MaxBackward", "Amax")
VIEWS = ("Permute", "Transpose", "View", "Reshape", "Unsqueeze", "Squeeze", "Alias", "TBackward")
DEPTH = 64


def find_layout(tensor: Any) -> Layout:
    """The layout of a module's output.

    The channels are where the last convolution, pool or batch norm (axis 1), or layer norm or
    product (last axis) left them, followed through transpositions and reshapes.
    """
    shape = tuple(tensor.shape)
    return layout_of(shape, _axis(tensor.grad_fn, shape, DEPTH))


def is_view(tensor: Any) -> bool:
    """Whether the tensor only shows another one's values in another shape or order."""
    return tensor.grad_fn is not None and tensor.grad_fn.name().startswith(VIEWS)


def channel_axis(image: Any) -> int | None:
    """Where a picture has its colours, as few as 1, 3 or 4; None where it is none."""
    if image.ndim != 4:
        return None
    return next((axis for axis in (1, 3) if image.shape[axis] in (1, 3, 4)), None)


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
        return None if axis is None else after_reshape(seen, shape, axis)
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
