"""The derivative of a model's output by some of its tensors, as a model: what most rules are tested
with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.finding.composites import recognise
from backends.onnx.reading.graph import Graph
from backends.onnx.reading.prepare import prepare
from backends.onnx.rules.paths import active
from backends.onnx.writing.append import append
from backends.onnx.writing.emit import Emitter
from tests.sessions import open_session


def with_gradient(
    model: onnx.ModelProto | Graph, wanted: Iterable[str], *, guided: bool = False
) -> tuple[onnx.ModelProto, list[str]]:
    """The model with an input `cot` beside its first output, and the names of the cotangents.

    That of an integer is one of the real number that it stands for.
    """
    op = Emitter(model if isinstance(model, Graph) else prepare(model))
    y = op.graph.outputs[0]
    kind = np.dtype(np.float32) if np.issubdtype(y.dtype, np.integer) else y.dtype
    cot = gs.Variable("cot", kind, y.shape)
    outputs = [op.Identity(g) for g in reverse(op, y, cot, list(wanted), guided=guided).values()]
    return append(op, inputs=[cot], outputs=outputs), [t.name for t in outputs]


def gradients(
    model: onnx.ModelProto | Graph,
    feed: dict[str, Any],
    cot: Any,
    wanted: Iterable[str],
    **how: Any,
) -> dict[str, Any]:
    """The cotangents of what is wanted, in onnxruntime."""
    wanted = list(wanted)
    full, names = with_gradient(model, wanted, **how)
    found = open_session(full).run(names, feed | {"cot": cot})
    return dict(zip(wanted, found, strict=True))


def recognised(model: onnx.ModelProto) -> Graph:
    """The graph as instrumenting reads it: spelled-out operators whole, inputs and outputs kept."""
    graph = prepare(model)
    return recognise(graph, keep=[t.name for t in (*graph.inputs, *graph.outputs)])


def reaching(graph: Graph, names: Iterable[str]) -> list[str]:
    """Those of the tensors that the first output depends on by a derivative."""
    names = list(names)
    path = active(graph, names, graph.outputs[0].name)
    return [name for name in names if name in path]
