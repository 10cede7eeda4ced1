"""The default layer of a live module: the last map that autograd reaches from the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from cam_core.errors import LayerError
from cam_core.maps.layout import Layout

from .layout import find_layout, is_view

PASSES = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "Identity", "Flatten", "Unflatten")
NO_WEIGHTS = (*PASSES, "ReLU", "ReLU6", "GELU", "SiLU", "Softmax", "LogSoftmax", "Sigmoid")


@dataclass(frozen=True)
class Call:
    """One call of a module in a forward pass."""

    path: str
    number: int
    """1 is the first call of this module."""
    kind: str
    output: Any
    """Its (first) tensor."""

    @property
    def passes(self) -> bool:
        """Whether it makes nothing of its own to look at."""
        return "Pool" in self.kind or self.kind in PASSES


def default_layer(calls: Sequence[Call], y: Any, layout: Layout | None = None) -> Call:
    """The call to look at when none is named.

    From the last call backwards: a tensor of more than one position whose gradient is not zero
    off the summary tokens, made neither by a view nor by a pool nor by a closing layer norm, and
    not a map of the classes that is only pooled afterwards. Where the score is read from a
    summary token, only layer norms count.
    """
    import torch

    # A module whose output was changed in place afterwards holds its successor's tensor.
    reached = [call for call in calls if call.output.requires_grad and call.output.ndim > 2]
    if not reached or not y.requires_grad:
        raise LayerError("no module's output reaches the score: name a layer")
    tops = y.detach().flatten(1).argmax(1) if y.ndim > 1 else None
    total = y.sum() if tops is None else y.flatten(1).gather(1, tops[:, None]).sum()
    grads = torch.autograd.grad(total, [c.output for c in reached], allow_unused=True)
    pooled = {id(call.output) for call in calls if call.passes and "Pool" in call.kind}
    head = _reads_summary(reached, grads, layout)
    for call, G in reversed(list(zip(reached, grads, strict=True))):
        if G is None or call.passes or is_view(call.output) or id(call.output) in pooled:
            continue
        found = find_layout(call.output) if layout is None else layout
        if prod(found.apply(call.output.detach().cpu().numpy()).shape[2:]) < 2:
            continue
        token_norm = "LayerNorm" in call.kind or "RMSNorm" in call.kind
        if _is_class_map(call, found, calls, y) or token_norm != head:
            continue
        if found.apply(G.detach().cpu().float().numpy()).any():
            return call
    raise LayerError("no module gives a map with more than one position: name a layer")


def _reads_summary(calls: Sequence[Call], grads: Sequence[Any], layout: Layout | None) -> bool:
    """Whether the last tokens carry a gradient at their summary tokens alone."""
    for call, G in reversed(list(zip(calls, grads, strict=True))):
        found = find_layout(call.output) if layout is None else layout
        if G is not None and found.skip:
            return not found.apply(G.detach().cpu().float().numpy()).any()
    return False


def _is_class_map(call: Call, layout: Layout, calls: Sequence[Call], y: Any) -> bool:
    """SqueezeNet's head: as many channels as classes, and no weights after it."""
    if y.ndim != 2 or call.output.shape[layout.channel_axis] != y.shape[1]:
        return False
    after = calls[[c is call for c in calls].index(True) + 1 :]
    leaf = [c for c in after if not call.path.startswith(f"{c.path}.")]
    return all("Pool" in c.kind or c.kind in NO_WEIGHTS or _holds(c, calls) for c in leaf)


def _holds(call: Call, calls: Sequence[Call]) -> bool:
    """Whether the module contains others that were called: they speak for it."""
    return any(other.path.startswith(f"{call.path}.") for other in calls)
