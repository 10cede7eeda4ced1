"""Fused attention written out in a copy of the model, so that its weights are tensors there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from ...reading.graph import Graph, Node
from ...reading.prepare import in_order
from ...writing.append import exported_all, new_constants, promises
from ...writing.emit import Emitter
from ...writing.ir import raise_ir
from ..families.attention import written_out
from ..registry import VJP_RULES, key_of
from .fused import MICROSOFT

OTHERS: dict[tuple[str, str], Callable[..., Any]] = {("", "Attention"): written_out}
"""Operators that have a rule and no body."""
BODIES = {
    (MICROSOFT, name)
    for name in ("Attention", "MultiHeadAttention", "PackedAttention", "FusedMatMul")
}
"""Operators whose body is their derivative's, and attention or a part of it."""


def attention_in_full(graph: Graph) -> onnx.ModelProto | None:
    """The graph's model with each fused attention as MatMul, Softmax, MatMul; None: it has none.

    Raises:
        RefusedError: one in a form that is not known.
    """
    chosen = [node for node in graph.nodes if key_of(node) in BODIES | set(OTHERS)]
    if not chosen:
        return None
    op = Emitter(graph, prefix="in_full.")
    made = [tensor for node in chosen for tensor in _results(op, node)]
    nodes = op.needed(made)
    gone = {node.outputs[0].name for node in chosen}
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    raise_ir(model)
    kept = [node for node in model.graph.node if node.output[0] not in gone]
    ordered = list(in_order([*kept, *exported_all(op, nodes)]))
    del model.graph.node[:]
    model.graph.node.extend(ordered)
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(t.values), t.name) for t in new_constants(op, nodes)
    )
    model.graph.value_info.extend(promises(op, nodes))
    return model


def _results(op: Emitter, node: Node) -> list[Any]:
    """What a node gives, under its own names."""
    key = key_of(node)
    found = (OTHERS.get(key) or VJP_RULES[key].function)(op, node)
    results = list(found) if isinstance(found, tuple | list) else [found]
    pairs = zip(results, node.outputs, strict=False)
    return [op.named(result, y.name) for result, y in pairs if result is not None and y.name]
