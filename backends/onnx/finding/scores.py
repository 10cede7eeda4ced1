"""Finds the score: the logits before the softmax, sigmoid, argmax or label map at a model's end."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cam_core.errors import ModelError

from ..reading.graph import Graph, Node, Tensor, floating
from ..reading.kinds import QUANTISERS, VIEWS
from ..reading.names import PREFIX
from ..reading.units import computes, dequantised
from .axes.factors import Axes, descends, loss
from .axes.walk import Found

ACTIVATIONS = {"Softmax": 0, "LogSoftmax": 0, "Sigmoid": 0, "Hardmax": 0}
"""Tails whose input are the logits; the number is which input."""
READERS = {"ArgMax": 0, "TopK": 0, "ZipMap": 0, "ArrayFeatureExtractor": 1}
"""Tails that read a score and give a label."""


@dataclass(frozen=True)
class Score:
    """The tensor whose gradient is taken."""

    tensor: Tensor
    class_axis: int
    activation: str = ""
    """What the model applies to it, such as Softmax."""

    @property
    def name(self) -> str:
        return str(self.tensor.name)

    @property
    def classes(self) -> int | None:
        """How many classes there are, where that is static."""
        extent = self.tensor.shape[self.class_axis]
        return extent if isinstance(extent, int) else None


def find_score(graph: Graph, name: str | None = None, axes: Found | None = None) -> Score:
    """The score with no name given: walk back from the outputs; with one, that tensor.

    Raises:
        ModelError: no such tensor, or one that holds no floating point score.
    """
    if name is not None:
        name = str(dequantised(graph, graph.tensors[name]).name) if name in graph.tensors else name
        if name not in graph.producer:
            near = difflib.get_close_matches(name, graph.producer, 3)
            near_by = (
                f"did you mean {', '.join(near)}?" if near else "leave it out to have it found"
            )
            what = "it is an input or a weight" if name in graph.tensors else "there is none"
            raise ModelError(f"no tensor '{name}' to use as score: {what}; {near_by}")
        return _score(graph.tensors[name], "", axes)
    behind = [_behind(graph, output) for output in graph.outputs]
    found = [(dequantised(graph, t), how) for t, how in behind]
    found = [(t, how) for t, how in found if floating(t) and t.name in graph.producer]
    batches = [(t, how) for t, how in found if t.shape is not None and len(t.shape) > 1]
    if found:
        tensor, activation = (batches or found)[0]
        return _score(tensor, activation, axes)
    first = graph.outputs[0]
    raise ModelError(
        f"output '{first.name}' is no floating point score and none is found before it; "
        f"name the score tensor with --score"
    )


def dequantise(graph: Graph, name: str | None) -> None:
    """Gives quantised logits, those named or those found, a tensor in real units."""
    behind = [_behind(graph, output)[0] for output in graph.outputs]
    named = graph.tensors.get(str(name).removeprefix(PREFIX))
    for tensor in behind if name is None else [named]:
        if tensor is not None:
            dequantised(graph, tensor)


def _score(tensor: Tensor, activation: str, axes: Found | None) -> Score:
    if not floating(tensor):
        kind = np.dtype(tensor.dtype) if tensor.dtype is not None else "unknown"
        raise ModelError(f"score '{tensor.name}' holds {kind}, not floating point numbers")
    if tensor.shape is None or len(tensor.shape) < 2:
        raise ModelError(
            f"score '{tensor.name}' has shape {tensor.shape}, not [batch, classes]; "
            f"name another tensor with --score"
        )
    return Score(tensor, class_axis(tensor, (axes or {}).get(tensor.name)), activation)


def class_axis(tensor: Tensor, axes: Axes | None = None) -> int:
    """Axis 1 of [N, C]; of any other score the one that descends from no place of an input."""
    rank = len(tensor.shape)
    if rank == 2:
        return 1
    known = axes or ()
    free = [i for i in range(1, len(known)) if not descends(known[i]) and not loss(known[i])]
    wide = [i for i in free if tensor.shape[i] != 1]
    return (wide or free or [rank - 1])[-1]


def _behind(graph: Graph, output: Tensor) -> tuple[Tensor, str]:
    """(what lies before the last tail, the activation that is nearest to it)."""
    found, activation = output, ""
    for node, tensor in _walk(graph, output):
        what = computes(node)
        if what in ACTIVATIONS or what in READERS:
            found = tensor
            activation = what if what in ACTIVATIONS else activation
    return found, activation


def _walk(graph: Graph, tensor: Tensor) -> Iterator[tuple[Node, Tensor]]:
    """(node, the tensor it reads) from an output backwards, through tails and views only."""
    while tensor.name in graph.producer:
        node = graph.producer[tensor.name]
        what = computes(node)
        position = ACTIVATIONS.get(what, READERS.get(what, 0 if what in VIEWS | QUANTISERS else -1))
        if position < 0:
            return
        tensor = node.inputs[position]
        yield node, tensor
