"""How the gradient of a layer turns: second derivatives, by the reverse pass of a reverse pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs

from cam_core.backend import Array
from cam_core.errors import LayerError

from ..differentiating.gradient import differentiate
from ..differentiating.reverse import reverse
from ..finding.analysis import Analysis
from ..finding.layers import Choice
from ..reading.graph import floating, numpy_type
from ..reading.prepare import prepare
from ..rules.paths import active
from ..running.runtime import run
from ..writing.append import append
from ..writing.arithmetic import as_float32
from ..writing.emit import Emitter
from .halves import COTANGENT

GRADIENT, TURN, PUSHED = "cam.gradient", "cam.turn", "cam.pushed"


class Bend:
    """The gradient G = J^T c of one layer's tensor A as a graph, differentiated along A once more.

    <G, A> is a number of A and of c: its derivatives are H A, H that of <c, y> by A, and J A.
    """

    def __init__(
        self, analysis: Analysis, choice: Choice, opened: Callable[[onnx.ModelProto], Any]
    ) -> None:
        if not floating(choice.tensor):
            raise LayerError(
                f"layer '{choice.name}' holds integers, which have no second derivative; choose "
                "one of floats from `gradcam layers`"
            )
        self._layout = choice.layout
        self._outputs, model = twice(analysis, str(choice.tensor.name))
        self._session = opened(model)

    def __call__(self, parts: Sequence[Mapping[str, Array]], c: Array) -> tuple[Array, Array]:
        """(H A [N, K, *S], J A of the score's shape), at the cotangent c."""
        found: list[dict[str, Array]] = []
        for i, part in enumerate(parts):
            own = c[i : i + 1] if len(parts) > 1 else c
            values = run(self._session, self._outputs, {**part, COTANGENT: own})
            found.append(dict(zip(self._outputs, values, strict=True)))
        turn, pushed = (np.concatenate([one[n] for one in found]) for n in (TURN, PUSHED))
        return self._layout.apply(turn), pushed


def twice(analysis: Analysis, layer: str) -> tuple[list[str], onnx.ModelProto]:
    """The model with H A and J A as outputs, and their names."""
    graph, score = analysis.graph, analysis.score.tensor
    op = Emitter(graph)
    c = gs.Variable(COTANGENT, numpy_type(score.dtype), score.shape)
    found = differentiate(op, analysis, c, [layer])[layer]
    once = append(op, inputs=[c], outputs=[op.named(found, GRADIENT)])
    graph = prepare(once, folder=analysis.source.folder)
    op, G, A = Emitter(graph), graph.tensors[GRADIENT], graph.tensors[layer]
    path = active(graph, [layer, COTANGENT], GRADIENT)
    turned = reverse(op, G, op.cast_like(A, G), [n for n in (layer, COTANGENT) if n in path])
    straight = op.Mul(as_float32(op, A), 0.0)  # of what is linear behind the layer
    made = [turned.get(layer, straight), turned[COTANGENT]]
    names = [TURN, PUSHED]
    outputs = [op.named(as_float32(op, t), n) for t, n in zip(made, names, strict=True)]
    return names, append(op, inputs=[], outputs=outputs)
