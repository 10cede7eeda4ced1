"""Fused attention beside what it is made of: the model's own operators stay, weights are added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx

from cam_core.methods import find_method

from ..finding.analysis import Analysis, analyse
from ..reading.load import Source
from ..reading.prepare import names_read
from ..rules.microsoft.attention_in_full import attention_in_full


def written_out(analysis: Analysis, method: str) -> Analysis:
    """The model with each fused attention as operators, where a method looks at its weights.

    The analysis itself where the method does not, or nothing is fused.
    """
    if find_method(method).at != "attention":
        return analysis
    model = attention_in_full(analysis.graph)
    if model is None:
        return analysis
    source = Source(model, analysis.source.path)
    return analyse(source, [None], analysis.asked_score, analysis.static)


def put_back(result: onnx.ModelProto, original: onnx.ModelProto) -> None:
    """The original's own nodes in their places again, in place; of what was written out for them
    only what the added outputs need follows, with its constants.
    """
    own = {name for node in original.graph.node for name in node.output}
    outputs = result.graph.output[len(original.graph.output) :]
    wanted, kept = {info.name for info in outputs}, []
    for node in reversed(result.graph.node):
        if own.isdisjoint(node.output) and not wanted.isdisjoint(node.output):
            kept.append(node)
            wanted.update(names_read(node))
    read = {name for node in kept for name in names_read(node)}
    made = {name for node in kept for name in node.output}
    constants, infos = result.graph.initializer, result.graph.value_info
    _keep(result.graph.node, 0, [*original.graph.node, *reversed(kept)])
    count = len(original.graph.initializer)
    _keep(constants, count, [t for t in constants[count:] if t.name in read])
    count = len(original.graph.value_info)
    _keep(infos, count, [i for i in infos[count:] if i.name in made])


def _keep(field: Any, count: int, items: Sequence[Any]) -> None:
    """These alone after the first ones, in place."""
    del field[count:]
    field.extend(items)
