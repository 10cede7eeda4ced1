"""In which order a graph reads its weights, and which numbers in it are none."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from .stored import bodies

SETTINGS = ("Resize", "Upsample", "OneHot")
"""Their inputs but the first are no weights: regions, scales, the values of on and off."""


def weight_places(graph: onnx.GraphProto) -> dict[str, int]:
    """By tensor the number of the first node that reads it for its values, from 1 on.

    A node that works on weights alone (their DequantizeLinear or Transpose) stands where its output
    is read, wherever the file has it.
    """
    found: dict[str, int] = {}
    fed = _fed(graph)
    for number, node in reversed(list(enumerate(graph.node, start=1))):
        read = [found[name] for name in node.output if name in found]
        place = number if fed.intersection(node.output) or not read else min(read)
        for name in values_read(node):
            found[name] = min(found.get(name, place), place)
    return found


def settings(graph: onnx.GraphProto) -> set[str]:
    """The tensors that only say how an operator works."""
    asked = {n for node in graph.node if node.op_type in SETTINGS for n in node.input[1:] if n}
    return asked - {name for node in graph.node for name in values_read(node)}


def values_read(node: onnx.NodeProto) -> Iterator[str]:
    """The names whose values a node works on, those of its bodies included."""
    yield from filter(None, node.input[:1] if node.op_type in SETTINGS else node.input)
    for attribute in node.attribute:
        for body in bodies(attribute):
            for inner in body.node:
                yield from values_read(inner)
            yield from (output.name for output in body.output)


def _fed(graph: onnx.GraphProto) -> set[str]:
    """The tensors that descend from an input of the model."""
    weights = {tensor.name for tensor in graph.initializer}
    fed = {value.name for value in graph.input} - weights
    for node in graph.node:
        if not fed.isdisjoint(values_read(node)):
            fed.update(node.output)
    return fed
