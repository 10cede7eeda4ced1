"""The weights of a head that is a mean over space and one linear layer, read from the graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cam_core.backend import Array
from cam_core.errors import LayerError
from cam_core.maps.layout import Layout

from ..reading.graph import Graph, Node, Tensor
from .layers import Choice

FLAT = {"Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout"}
"""Of N K numbers in a row these move none."""


def head_weights(graph: Graph, choice: Choice, score: Tensor) -> Array:
    """W [C, K] of y = W mean_S A + b, where that is all that is between a layer and the score.

    Raises:
        LayerError: anything else is; it names the operator.
    """
    layout = choice.layout
    if not isinstance(layout, Layout) or layout.summary or layout.windows:
        raise _other(choice, "its tensor holds more than one map a row")
    tensor, axes = choice.tensor, layout.axes
    found: Array | None = None
    mean = False
    while tensor.name != score.name:
        readers = [n for n in graph.consumers.get(tensor.name, []) if n.op != "Shape"]
        if len(readers) != 1:
            raise _other(choice, f"'{tensor.name}' is read by {len(readers)} operators")
        (node,) = readers
        if not mean and node.op in ("Transpose", "Identity"):
            axes = "".join(axes[i] for i in node.attrs["perm"]) if node.op == "Transpose" else axes
        elif not mean:
            mean = _averages(graph, node, axes)
            if not mean:
                raise _other(choice, f"{node.op} '{node.name}' is no mean over all of space")
        elif found is None and node.op not in FLAT:
            found = _product(graph, node, tensor)
            if found is None:
                raise _other(choice, f"{node.op} '{node.name}' is no linear layer with weights")
        elif node.op not in FLAT and not _bias(graph, node):
            raise _other(choice, f"{node.op} '{node.name}' follows the linear layer")
        tensor = node.outputs[0]
    if found is None:
        raise _other(choice, "no linear layer follows")
    return found


def _averages(graph: Graph, node: Node, axes: str) -> bool:
    """Is it the mean over all axes of space, and no other?"""
    space = {i for i, letter in enumerate(axes) if letter not in "NC"}
    if node.op == "GlobalAveragePool":
        return axes.startswith("NC")
    if node.op == "ReduceMean":
        given = graph.value(node.inputs[1]) if len(node.inputs) > 1 else None
        return given is not None and {int(a) % len(axes) for a in given.ravel()} == space
    if node.op == "AveragePool" and axes.startswith("NC"):
        whole = list(node.attrs.get("kernel_shape", ())) == list(node.inputs[0].shape[2:])
        return whole and not any(node.attrs.get("pads", ()))
    return False


def _product(graph: Graph, node: Node, x: Tensor) -> Array | None:
    """W [C, K] of W x, of a Gemm, a MatMul or a convolution of one cell; None of anything else."""
    if node.op not in ("Gemm", "MatMul", "Conv") or node.inputs[0].name != x.name:
        return None
    weight = _weight(graph, node.inputs[1])
    if weight is None or (node.op != "Conv" and weight.ndim != 2):
        return None
    if node.op == "Conv":
        alone = set(weight.shape[2:]) <= {1} and node.attrs.get("group", 1) == 1
        return weight.reshape(weight.shape[:2]) if alone else None
    if node.op == "MatMul":
        return weight.T
    if node.attrs.get("transA", 0):
        return None
    turned = weight if node.attrs.get("transB", 0) else weight.T
    scaled: Array = turned * np.asarray(node.attrs.get("alpha", 1.0), weight.dtype)
    return scaled


def _weight(graph: Graph, tensor: Tensor) -> Array | None:
    """The value of a weight, or of its transpose."""
    known = graph.value(tensor)
    if known is not None:
        return known
    maker = graph.producer.get(tensor.name)
    if maker is None:
        return graph.weight(tensor)
    if maker.op not in ("Transpose", "Identity"):
        return None
    inner = _weight(graph, maker.inputs[0])
    turned = inner is not None and maker.op == "Transpose"
    return np.transpose(inner, maker.attrs.get("perm")) if turned and inner is not None else inner


def _bias(graph: Graph, node: Node) -> bool:
    """Does it add a constant, which moves no weight?"""
    others: Sequence[Tensor] = [t for t in node.inputs if graph.constant(t)]
    return node.op == "Add" and len(others) == 1


def _other(choice: Choice, why: str) -> LayerError:
    return LayerError(
        f"layer '{choice.name}' has no head of a mean over space and one linear layer: {why}; "
        "take gradcam, or the layer before the mean"
    )
