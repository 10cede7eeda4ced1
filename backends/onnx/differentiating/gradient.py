"""The reverse pass of an analysed model; what is refused is said with the layer that would work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import onnx_graphsurgeon as gs

from cam_core.errors import ModelError, UnsupportedOpError

from ..finding.analysis import Analysis
from ..reading.graph import Graph, Node, Tensor, numpy_type, reads
from ..rules import RULES, VJP_RULES, ZERO, RefusedError, key_of
from ..rules.paths import active
from ..writing.arithmetic import as_float32
from ..writing.emit import Emitter
from ..writing.op import Op
from .reverse import reverse

HALF_SCALE = 128.0
"""Cotangents in float16 are carried this many times too large, so that few underflow and none of a
logit that is scaled a hundredfold (CLIP) overflows."""


def differentiate(
    op: Op,
    analysis: Analysis,
    cotangent: Tensor,
    wanted: Sequence[str],
    *,
    guided: bool = False,
) -> dict[str, Tensor]:
    """Cotangents of the wanted tensors; in float32 where float16 lies on the way.

    Raises:
        UnsupportedOpError: with operator, node, layer, score and the nearest layer that works.
    """
    graph, score = analysis.graph, analysis.score.tensor
    path = active(graph, wanted, score.name)
    half = any(graph.tensors[name].dtype == np.float16 for name in path)
    scaled = op.Mul(cotangent, HALF_SCALE) if half else cotangent
    try:
        found = reverse(op, score, scaled, wanted, guided=guided)
    except RefusedError as error:
        raise UnsupportedOpError(_explained(analysis, error, wanted)) from error
    if not half:
        return found
    return {name: op.Mul(as_float32(op, g), 1.0 / HALF_SCALE) for name, g in found.items()}


def _explained(analysis: Analysis, error: RefusedError, wanted: Sequence[str]) -> str:
    graph, score = analysis.graph, analysis.score.name
    barred = before(graph, [t.name for t in error.inputs])
    layer = next(name for name in wanted if name in barred)
    kind = "input" if layer in {t.name for t in graph.inputs} else "layer"
    found = nearest_usable(analysis, layer)
    cure = (
        f"add a rule in {RULES}, no later layer works"
        if found is None
        else f"the nearest later layer that works is '{found}'"
    )
    return f"{error.what} between {kind} '{layer}' and score '{score}'; {cure}"


def nearest_usable(analysis: Analysis, layer: str) -> str | None:
    """The first map after `layer` from which every operator on the way to the score has a rule."""
    graph, score = analysis.graph, analysis.score.name
    later = active(graph, [layer], score)
    without = [n for n in on_path(graph, later) if key_of(n) not in VJP_RULES]
    barred = before(graph, [t.name for node in without for t in reads(node)])
    for tensor in analysis.layers.candidates():
        if tensor.name == layer or tensor.name not in later or tensor.name in barred:
            continue
        try:
            trial(analysis, tensor.name)
        except RefusedError as error:
            barred |= before(graph, [t.name for t in error.inputs])
        except ModelError:  # the model's opset lacks what this one needs: the next may do
            continue
        else:
            return str(tensor.name)
    return None


def trial(analysis: Analysis, layer: str) -> list[Node]:
    """The nodes that the gradient at `layer` takes; nothing is kept of them.

    Raises:
        RefusedError, ModelError, LayerError: as `reverse` does.
    """
    op, score = Emitter(analysis.graph), analysis.score.tensor
    cotangent = gs.Variable(op.name("cotangent"), numpy_type(score.dtype), score.shape)
    found = reverse(op, score, cotangent, [layer])
    return op.needed(found.values())


def on_path(graph: Graph, path: set[str]) -> list[Node]:
    """The nodes that the reverse pass meets between the ends of an `active` path."""
    return [
        node
        for node in graph.nodes
        if key_of(node) not in ZERO
        and any(t.name in path for t in node.outputs)
        and any(t.name in path for t in reads(node))
    ]


def before(graph: Graph, names: Iterable[str]) -> set[str]:
    """These tensors and all that they are computed from with a derivative."""
    found = set(names)
    for node in reversed(graph.nodes):
        if key_of(node) not in ZERO and any(t.name in found for t in node.outputs):
            found.update(t.name for t in reads(node))
    return found
