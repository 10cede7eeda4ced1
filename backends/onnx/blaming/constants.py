"""What quantised constants stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cam_core.backend import Array

from .net import Net

WIDEST = 21
"""The opset whose DequantizeLinear takes all that those before it took: 16 and 4 bits, blocks."""


def dequantised_by(dq: onnx.NodeProto, net: Net) -> Array | None:
    """(q - zero) scale of a constant, one scale for all, one an index of an axis, or one a block.

    A weight that the file rounds itself, as it is loaded, is rounded here. None: it is no constant.
    """
    nodes = [dq]
    if not net.constant(dq.input[0]):
        nodes.insert(0, net.makers[dq.input[0]])
    made = nodes[0].output[0]
    read = [name for node in nodes for name in node.input if name and name != made]
    if len(nodes) == 1:
        read = [name for name in dq.input if name]
    return evaluated(nodes, net) if all(net.constant(name) for name in read) else None


def evaluated(nodes: Sequence[onnx.NodeProto], net: Net) -> Array:
    """What these nodes make of the file's constants, by ONNX's own reference."""
    from onnx.reference import ReferenceEvaluator

    made = {name for node in nodes for name in node.output}
    names = dict.fromkeys(n for node in nodes for n in node.input if n and n not in made)
    values = {name: net.value(name) for name in names}
    weights = [numpy_helper.from_array(v, n) for n, v in values.items() if v is not None]
    out = onnx.ValueInfoProto(name=nodes[-1].output[0])
    graph = helper.make_graph(list(nodes), "weight", [], [out], weights)
    for node in graph.node:
        node.domain = ""  # com.microsoft's are the same, and older
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", WIDEST)])
    outputs: Any = ReferenceEvaluator(model).run(None, {})
    return np.asarray(outputs[0])
