"""Every row of the table: one cell of an input is disturbed, and what moves is where it is said.

The rows of operators are those that the derivatives are tested with, in onnxruntime.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx.finding.axes.table import Step
from backends.onnx.finding.axes.walk import AXES
from backends.onnx.reading.shapes import OUTSIDE
from backends.onnx.reading.units import COMPUTES
from backends.onnx.rules import VJP_RULES
from tests.finding.axes.tracers import axes_of, claimed, losses, said
from tests.rules.cases import CASES, Case, model_of, values_of
from tests.sessions import open_session

CELLS = 10
"""So many cells of each input are disturbed."""
SPREADING = {
    *("Softmax", "LogSoftmax", "Hardmax", "LayerNormalization", "InstanceNormalization"),
    *(
        "GroupNormalization",
        "RMSNormalization",
        "SimplifiedLayerNormalization",
        "CumSum",
        "CumProd",
    ),
    *("LpNormalization", "MeanVarianceNormalization", "BatchNormalization", "LRN"),
    *(
        "LSTM",
        "GRU",
        "RNN",
        "Attention",
        "Scan",
        "Loop",
        "If",
        "ReverseSequence",
        "RotaryEmbedding",
    ),
    *(
        "SoftmaxCrossEntropyLoss",
        "MatMul",
        "Einsum",
        "ScatterElements",
        "ScatterND",
        "TensorScatter",
    ),
    *("DynamicQuantizeLinear", "Scatter", "OneHot", "Pad"),
}
"""Operators, or rows of theirs, whose cells each read others on the same axis too."""
BROADCAST = {("Split", "attribute"), ("SequenceAt", "parts of given sizes")}
"""Rows in which a single cell is spread over others of the same axis."""
ROWS = [case for case in CASES if not case.dynamic and (case.op, case.note) not in BROADCAST]


REACH = {"Resize": 5, "Upsample": 3, "CumSum": 1, "CumProd": 1, "STFT": 1 << 20, "DeformConv": 4}
"""How far a cell may read: a cubic's neighbours, the one before, a frame, what is moved there."""


def reach(model: onnx.ModelProto) -> int:
    """How far from its window a cell may read: as wide as any kernel, gaps included."""
    sizes = [REACH.get(node.op_type, 0) for node in model.graph.node]
    weights = {t.name: t.dims for t in model.graph.initializer}
    weights |= {
        i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input
    }
    for node in model.graph.node:
        attrs = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        kernel = list(attrs.get("kernel_shape", ()))
        if node.op_type in ("Conv", "ConvTranspose", "DeformConv") and not kernel:
            kernel = list(weights.get(node.input[1], (0, 0))[2:])
        gaps = attrs.get("dilations") or [1] * len(kernel)
        pads = list(attrs.get("pads", ())) + list(attrs.get("output_padding", ()))
        sizes += [k * g for k, g in zip(kernel, gaps, strict=False)]
        sizes += pads if node.op_type in ("ConvTranspose", "MaxUnpool") else []
    return max(sizes, default=0)


@pytest.fixture(autouse=True)
def no_row_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that fails is taken for one that knows nothing; here it is an error."""

    def told(step: Step, output: int = 0) -> Any:
        if sys.exc_info()[0] is not None:
            raise AssertionError(f"the row of {step.node.op} fails")
        return unknown(step, output)

    unknown = Step.unknown
    monkeypatch.setattr(Step, "unknown", told)


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_what_moves_is_where_it_is_said_to_be(case: Case) -> None:
    variable, constant = values_of(case, np.random.default_rng(3))
    model = model_of(case, variable, constant, np.float32)
    axes = axes_of(model).get("y")
    if axes is None:
        return
    assert not [lost for lost in losses(axes) if lost.why.startswith("of another")]
    feed = {name: value.astype(np.float32) for name, value in variable.items()}
    session = open_session(model)
    before = session.run(["y"], feed)[0].astype(float)
    claims = {index: claimed(axes, index) for index in np.ndindex(before.shape)}
    far = reach(model)
    spreads = bool({node.op_type for node in model.graph.node} & SPREADING)
    for name in feed:
        known = {axis for input_name, axis in said(axes) if input_name == name}
        for place in _places(feed[name]):
            moved = _moved(session, feed, name, place, before)
            if not known or not moved:
                continue
            away = [_distance(claims[index], name, place) for index in moved]
            assert min(away) <= far, f"{name}{place} moves nothing near {place}: {away}"
            if not spreads:
                assert max(away) <= far, f"{name}{place} moves what is said to be elsewhere: {away}"


def _places(value: Any) -> list[tuple[int, ...]]:
    every = list(np.ndindex(value.shape))
    chosen = np.random.default_rng(5).permutation(len(every))[:CELLS]
    return [every[i] for i in chosen]


def _moved(session: Any, feed: dict[str, Any], name: str, place: Any, before: Any) -> list[Any]:
    value = feed[name].copy()
    value[place] += 0.25
    after = session.run(["y"], feed | {name: value})[0].astype(float)
    if after.shape != before.shape:
        return []
    with np.errstate(invalid="ignore"):
        return [tuple(map(int, i)) for i in np.argwhere(np.abs(after - before) > 1e-5)]


def _distance(claim: Any, name: str, place: tuple[int, ...]) -> float:
    """From a cell of the input to the window of one of the output, along the worst axis."""
    away = [0.0]
    for axis, position in enumerate(place):
        if (name, axis) in claim:
            low, high = claim[name, axis]
            away.append(float(max(low - position, position + 1 - high, 0)))
    return max(away)


def test_every_operator_with_a_derivative_has_a_row() -> None:
    """What stands for several others and is unknown to ONNX is followed through those."""
    missing = []
    for domain, operator in VJP_RULES:
        rule = VJP_RULES[domain, operator]
        stands_for = ("", COMPUTES.get(operator, operator))
        opened = (domain, operator) in OUTSIDE and not rule.quantises
        if not opened and (domain, operator) not in AXES and stands_for not in AXES:
            missing.append((domain, operator))
    assert missing == []
