"""The default layer of a live model: the last map that the score has a gradient at.

Free of any framework: what a tensor is, the caller's functions say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.errors import LayerError
from cam_core.maps.layout import Layout

from .calls import PASSES, Call

NO_WEIGHTS = (*PASSES, "ReLU", "ReLU6", "GELU", "SiLU", "Softmax", "LogSoftmax", "Sigmoid")


def default_layer(
    calls: Sequence[Call],
    *,
    gradients: Callable[[Sequence[Any]], Sequence[Any]],
    array: Callable[[Any], Array],
    layout: Callable[[Any], Layout],
    classes: int | None,
) -> Call:
    """The call to look at when none is named.

    From the last call backwards: a tensor of more than one position whose gradient is not zero
    off the summary tokens, made neither by a view nor by a pool nor by a closing layer norm, and
    not a map of the classes that is only pooled afterwards. Where the score is read from a
    summary token, only layer norms count.

    Args:
        calls: of every module that gives a tensor, in the order in which they finish.
        gradients: those of the rows' top scores, summed, at these tensors; None where none
            arrives.
        array: a gradient as an array.
        layout: where a tensor has its channels.
        classes: of a score [N, C].
    """
    # A module whose output was changed in place afterwards holds its successor's tensor.
    maps = [call for call in calls if len(call.shape) > 2]
    found = gradients([call.output for call in maps])
    reached: list[tuple[Call, Any]] = [
        (call, G) for call, G in zip(maps, found, strict=True) if G is not None
    ]
    if not reached:
        raise LayerError("no module's output reaches the score: name a layer")
    pooled = {id(call.output) for call in calls if call.passes and "Pool" in call.kind}
    head = _reads_summary(reached, array, layout)
    for call, G in reached[::-1]:
        if call.passes or call.view or id(call.output) in pooled:
            continue
        own = layout(call.output)
        if prod(own.apply(np.broadcast_to(np.float32(0), call.shape)).shape[2:]) < 2:
            continue
        token_norm = "LayerNorm" in call.kind or "RMSNorm" in call.kind
        if _is_class_map(call, own, calls, classes) or token_norm != head:
            continue
        if own.apply(array(G)).any():
            return call
    raise LayerError("no module gives a map with more than one position: name a layer")


def _reads_summary(
    reached: Sequence[tuple[Call, Any]],
    array: Callable[[Any], Array],
    layout: Callable[[Any], Layout],
) -> bool:
    """Whether the last tokens carry a gradient at their summary tokens alone."""
    for call, G in reached[::-1]:
        own = layout(call.output)
        if own.skip:
            return not own.apply(array(G)).any()
    return False


def _is_class_map(call: Call, layout: Layout, calls: Sequence[Call], classes: int | None) -> bool:
    """SqueezeNet's head: as many channels as classes, and no weights after it."""
    if classes is None or call.shape[layout.channel_axis] != classes:
        return False
    after = calls[[c is call for c in calls].index(True) + 1 :]
    leaf = [c for c in after if not call.path.startswith(f"{c.path}.")]
    return all("Pool" in c.kind or c.kind in NO_WEIGHTS or _holds(c, calls) for c in leaf)


def _holds(call: Call, calls: Sequence[Call]) -> bool:
    """Whether the module contains others that were called: they speak for it."""
    return any(other.path.startswith(f"{call.path}.") for other in calls)
