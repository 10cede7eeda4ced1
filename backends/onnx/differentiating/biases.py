"""What a network adds: the constants of its layers, as FullGrad takes them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from cam_core.backend import Array
from cam_core.errors import LayerError
from cam_core.maps.arrangement import Arrangement
from cam_core.maps.layout import Layout
from cam_core.maps.share import Share

from ..finding.analysis import Analysis
from ..finding.layers import Choice
from ..reading.graph import Graph, Node, floating, static
from ..rules.paths import active
from .gradient import on_path


def biases(analysis: Analysis) -> dict[str, Array]:
    """By layer, what is added to make it, as [1, K, *S] or with 1 for an extent; no zeros.

    What is added to the score itself, or has no places, is left out: it lies nowhere in a picture.
    """
    graph, score = analysis.graph, analysis.score.name
    sources = [t.name for t in graph.inputs if floating(t) and t.name in analysis.layers.path]
    found: dict[str, Array] = {}
    for node in on_path(graph, active(graph, sources, score)):
        bias = ADDED[node.op](graph, node) if node.op in ADDED and not node.domain else None
        choice = None if bias is None or not bias.any() else _choice(analysis, node)
        if bias is None or choice is None:
            continue
        laid = _laid(bias, choice)
        if laid is not None:
            found[choice.name] = laid
    return found


def _choice(analysis: Analysis, node: Node) -> Choice | None:
    try:
        return analysis.layers.find(node.outputs[0].name)
    except LayerError:
        return None


def _laid(bias: Array, choice: Choice) -> Array | None:
    """A bias that broadcasts against a layer's tensor, as its activations are read."""
    shape, rank = choice.tensor.shape, len(choice.tensor.shape)
    whole = bias.reshape((1,) * (rank - bias.ndim) + bias.shape)
    if getattr(choice.layout, "identity", False):
        return whole
    if not static(shape[1:]):
        return None
    found = choice.layout.apply(np.broadcast_to(whole, (_rows(choice.layout), *shape[1:])))
    return found[:1]  # each frame has the same


def _rows(layout: Layout | Arrangement | Share) -> int:
    """How many rows of a layer's tensor one picture is: windows, as in Swin, or frames."""
    if isinstance(layout, Share):
        return layout.parts * _rows(layout.inside)
    if isinstance(layout, Layout):
        return prod(layout.windows)
    return prod(layout.extents.get(name, 1) for name in layout.axes[0] if name != "N")


def _along_channels(graph: Graph, node: Node) -> Array | None:
    """Of a convolution."""
    bias = _weight(graph, node, 2)
    return None if bias is None else bias.reshape(-1, *[1] * (len(node.outputs[0].shape) - 2))


def _of_gemm(graph: Graph, node: Node) -> Array | None:
    bias = _weight(graph, node, 2)
    return None if bias is None else node.attrs.get("beta", 1.0) * bias


def _of_sum(graph: Graph, node: Node) -> Array | None:
    """The constant one of two."""
    sides = [_weight(graph, node, i) for i in (0, 1)]
    return sides[0] if sides[1] is None else sides[1]


def _of_difference(graph: Graph, node: Node) -> Array | None:
    first, second = (_weight(graph, node, i) for i in (0, 1))
    return first if second is None else -second


def _of_norm(graph: Graph, node: Node) -> Array | None:
    """B - mean scale / sqrt(variance + epsilon)."""
    scale, shift, mean, variance = (_weight(graph, node, i) for i in range(1, 5))
    if scale is None or shift is None or mean is None or variance is None:
        return None
    bias: Array = shift - mean * scale / np.sqrt(variance + node.attrs.get("epsilon", 1e-5))
    return bias.reshape(-1, *[1] * (len(node.outputs[0].shape) - 2))


def _weight(graph: Graph, node: Node, position: int) -> Array | None:
    if position >= len(node.inputs) or not node.inputs[position].name:
        return None
    tensor = node.inputs[position]
    value = graph.value(tensor)
    return graph.weight(tensor) if value is None else value


ADDED: dict[str, Callable[[Graph, Node], Array | None]] = {
    "Conv": _along_channels,
    "ConvTranspose": _along_channels,
    "Gemm": _of_gemm,
    "Add": _of_sum,
    "Sub": _of_difference,
    "BatchNormalization": _of_norm,
    "LayerNormalization": lambda graph, node: _weight(graph, node, 2),
}
"""Operator -> what it adds, of a shape that broadcasts against its result."""
