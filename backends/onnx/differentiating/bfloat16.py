"""bfloat16, which few runtimes compute in: its cotangents are carried in float32.

A rule sees a node with every bfloat16 tensor in float32, so that what it emits runs anywhere and
rounds no further than the forward pass did.
"""

from __future__ import annotations

import onnx_graphsurgeon as gs

from ..reading.graph import BFLOAT16, Node
from ..writing.arithmetic import widened
from ..writing.op import Op


def without_bfloat16(op: Op, node: Node) -> Node:
    """`node` as its rule is to see it; the node itself where nothing is bfloat16."""
    if all(t.dtype != BFLOAT16 for t in (*node.inputs, *node.outputs)):
        return node
    inputs, outputs = ([widened(op, t) for t in side] for side in (node.inputs, node.outputs))
    return gs.Node(node.op, node.name, dict(node.attrs), inputs, outputs, node.domain)
