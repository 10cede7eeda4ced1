"""Sessions for the two halves of a gradient: one forward pass, then any number of backward ones."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from cam_core.backend import Array

from ..running.ort_values import Joined, device_of, run_values, shape_of, value_of
from .halves import COTANGENT, Split

Kept = list[dict[str, Any]]
"""Of each batch, what the forward pass made and what is read later on: OrtValues by name."""


class Passes:
    """The forward model that keeps what the backward one reads, and the backward one."""

    def __init__(self, plan: Split, opened: Callable[[onnx.ModelProto], Any]) -> None:
        self.plan = plan
        self.front = opened(plan.forward)
        self._opened = opened
        self._device = device_of(self.front)

    def forward(self, parts: Sequence[Mapping[str, Array]], inputs: Collection[str] = ()) -> Kept:
        """The model's outputs, the score, the layers and the residuals, of each batch.

        Args:
            parts: the batches.
            inputs: those that must be kept besides.
        """
        return kept_of(self.front, parts, {*self.plan.fetched, *inputs})

    def backward(self, kept: Kept, cotangent: Array) -> dict[str, Array]:
        """The gradients by the name of their tensor; several batches are one row each."""
        return self.backward_of(kept, {COTANGENT: cotangent})

    def backward_of(self, kept: Kept, cotangents: Mapping[str, Array]) -> dict[str, Array]:
        """The same of several cotangents, by the names of their inputs."""
        if not self.plan.gradients:
            return {}
        wanted = {i.name for i in self._back.get_inputs()}
        found = []
        for i, residuals in enumerate(kept):
            several = len(kept) > 1
            mine = {n: g[i : i + 1] if several else g for n, g in cotangents.items()}
            given = residuals | {n: value_of(g, self._device) for n, g in mine.items()}
            found.append(run_values(self._back, {n: v for n, v in given.items() if n in wanted}))
        arrays = Joined(list(found[0]), found)
        return {
            tensor: spread(arrays[name], [part[tensor] for part in kept if tensor in part])
            for tensor, name in self.plan.gradients.items()
        }

    @functools.cached_property
    def _back(self) -> Any:
        assert self.plan.backward is not None
        return self._opened(self.plan.backward)


def spread(gradient: Array, over: Sequence[Any]) -> Array:
    """A gradient as large as its tensor, kept batch by batch: where a head takes a mean, a number a
    channel stands for all places, and is held once.
    """
    shapes = [shape_of(value) for value in over]
    if not shapes or gradient.shape[1:] == shapes[0][1:]:
        return gradient
    return np.broadcast_to(gradient, (sum(shape[0] for shape in shapes), *shapes[0][1:]))


def kept_of(front: Any, parts: Sequence[Mapping[str, Array]], keep: Collection[str]) -> Kept:
    """The outputs of a forward model for each batch, and its inputs of these names."""
    device, found = device_of(front), []
    for part in parts:
        given = {  # a copy of what is read again: the caller may write to his own
            n: value_of(_own(a) if n in keep else a, device) for n, a in part.items()
        }
        own = {n: v for n, v in given.items() if n in keep}
        found.append(run_values(front, given) | own)
    return found


def _own(array: Array) -> Array:
    """An array that nobody writes to: what is read-only is taken as that."""
    return np.array(array) if array.flags.writeable else array


def joined(names: Sequence[str], parts: Sequence[Sequence[Any]]) -> dict[str, Array]:
    """Outputs by name, the batches joined; what is no array (a ZipMap's dictionaries) left out."""
    found = {}
    for i, name in enumerate(names):
        pieces = [part[i] for part in parts]
        if isinstance(pieces[0], np.ndarray):
            found[name] = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
    return found
