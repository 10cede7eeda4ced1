"""The ends of a model: what stands before the softmax, argmax or label map of an output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...reading.graph import Graph, Node, Tensor
from ...reading.kinds import FLATTENING, QUANTISERS, VIEWS
from ...reading.units import computes
from .labels import Labels, labels_at, names_rows

ACTIVATIONS = {"Softmax": 0, "LogSoftmax": 0, "Sigmoid": 0, "Hardmax": 0}
"""Tails whose input are the logits; the number is which input."""
READERS = {"ArgMax": 0, "TopK": 0, "ZipMap": 0, "ArrayFeatureExtractor": 1, "LabelEncoder": 0}
"""Tails that read a score, or what another made of it, and give a label."""

JOINT = "flattened "
"""Before the name of one that goes over classes and places together."""


@dataclass(frozen=True)
class Tail:
    """The way from an output back to its logits."""

    output: Tensor
    tensor: Tensor
    """What lies before the last tail; the output itself where there is none."""
    activation: str = ""
    """The one that is nearest to the logits."""
    reader: str = ""
    """What makes labels of them, the nearest to the logits: ArgMax, TopK."""
    axis: int | None = None
    """Along which of the logits' axes a Softmax, ArgMax or TopK goes."""
    views: tuple[str, ...] = ()
    """The same numbers before and after views, by name: who names one of them means the logits."""
    labels: Labels | None = None
    """The names of the classes on the way."""

    @property
    def plain(self) -> bool:
        """Does nothing make classes of it?"""
        return not self.activation and not self.reader

    @property
    def what(self) -> str:
        """The activation, or the reader where there is none."""
        return self.activation or self.reader


def behind(graph: Graph, output: Tensor) -> Tail:
    """The way back from an output, through tails and views only."""
    found = Tail(output, output, views=(str(output.name),))
    for node, tensor in _walk(graph, output):
        labels = labels_at(graph, node, found.labels) or found.labels
        what = computes(node)
        if what in ACTIVATIONS:
            axis = _axis(node, tensor)
            what = f"{JOINT}{what}" if what in FLATTENING and axis is None else what
            found = replace(found, tensor=tensor, activation=what, axis=axis, views=())
        elif what in READERS or names_rows(graph, node):
            axis = _axis(node, tensor)
            found = replace(found, tensor=tensor, reader=what, axis=axis, views=())
        found = replace(found, views=(*found.views, str(tensor.name)), labels=labels)
    return found


def _axis(node: Node, tensor: Tensor) -> int | None:
    """The axis of a Softmax, ArgMax or TopK; None where there is none, or it is one of several."""
    axis, shape = node.attrs.get("axis"), tensor.shape
    if axis is None or shape is None or not -len(shape) <= axis < len(shape):
        return None
    found: int = axis % len(shape)
    flat = node.op in FLATTENING and node.attrs.get("flatten")
    return None if flat and any(extent != 1 for extent in shape[found + 1 :]) else found


def _walk(graph: Graph, tensor: Tensor) -> Iterator[tuple[Node, Tensor]]:
    """(node, the tensor it reads) from an output backwards, through tails and views only."""
    while tensor.name in graph.producer:
        node = graph.producer[tensor.name]
        what = computes(node)
        position = ACTIVATIONS.get(what, READERS.get(what, 0 if _same(node) else -1))
        position = 1 if names_rows(graph, node) else position
        if position < 0:
            return
        tensor = node.inputs[position]
        yield node, tensor


def _same(node: Node) -> bool:
    """Does it give the numbers that it reads? A mean along an axis of one does."""
    if computes(node) in VIEWS | QUANTISERS:
        return True
    before, after = (ts[0].shape if ts else None for ts in (node.inputs, node.outputs))
    if node.op not in ("ReduceMean", "ReduceSum") or before is None or after is None:
        return False
    return [d for d in before if d != 1] == [d for d in after if d != 1]
