"""How an instrumented file is fed and read, as JSON: for whoever runs it and knows nothing of us.

docs/production.md has the table of its keys; a change of their meaning raises VERSION.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from cam_core.head import WITHOUT, Head
from cam_core.maps.diagnosis import EPSILONS, SATURATED
from cam_core.methods import find_method

from ..finding.analysis import Analysis
from ..finding.scores import Score
from ..reading.graph import Tensor, numpy_type, told
from ..reading.names import CLASS_INPUT, COTANGENT_INPUT, ENABLE_INPUT, PER_LAYER, output_name
from .described_boxes import boxes_read
from .described_inputs import fed
from .outputs import Added
from .targets import Targets

VERSION = 1
"""Of the record."""
GIVEN = {CLASS_INPUT: "class", COTANGENT_INPUT: "cotangent", ENABLE_INPUT: "enable"}
"""What an input that was added takes."""


def described(
    analysis: Analysis,
    targets: Targets,
    inputs: Sequence[Tensor],
    outputs: Sequence[Added],
    method: str,
    fuse: str | None,
    preprocess: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The record; `inputs` and `outputs` are those that were added."""
    score = analysis.score
    return {
        "version": VERSION,
        "inputs": fed(analysis, preprocess),
        "given": [_given(tensor) for tensor in inputs],
        "outputs": [_output(one, analysis) for one in outputs],
        "score": _score(score),
        "heads": [{**head.record(), "numbers": numbers_of(head)} for head in score.heads],
        "boxes": boxes_read(analysis),
        "map": _map(method, targets, outputs, fuse),
        "diagnosis": {
            "noise": _noise(outputs),
            "epsilons": EPSILONS,
            "epsilon": float(np.finfo(np.float32).eps),
            "saturated": SATURATED,
        },
    }


def numbers_of(head: Head) -> str:
    """What the numbers of an output itself are."""
    if not head.floating:
        return "labels"
    if head.boxes is not None or head.kind == "boxes":
        return "boxes"
    if head.kind in WITHOUT:
        return "values"
    applied = head.activation if head.tensor != head.output else ""
    each = {"Softmax": "probabilities", "Sigmoid": "probabilities", "LogSoftmax": "logarithms"}
    return each.get(applied, "scores")


def _score(score: Score) -> dict[str, Any]:
    return {
        "tensor": score.name,
        "shape": _extents(score.tensor),
        "class_axis": score.class_axis % max(len(score.tensor.shape), 1),
        "classes": None if score.own_classes else score.classes,
        "probability": score.probability,
        "entry": score.heads[0].entry,
    }


def _given(tensor: Tensor) -> dict[str, Any]:
    kind = str(numpy_type(tensor.dtype))
    shape = _extents(tensor)
    return {"name": tensor.name, "type": kind, "shape": shape, "what": GIVEN[tensor.name]}


def _output(one: Added, analysis: Analysis) -> dict[str, Any]:
    own = one.number is not None and one.what in PER_LAYER
    return {
        "name": output_name(one.what, one.number),
        "what": one.what,
        "layer": analysis.choices[one.number or 0].name if own else None,
        "shape": _extents(one.tensor),
        "axes": list(one.axes),
        "region": None if one.region is None else asdict(one.region),
    }


def _map(
    method: str, targets: Targets, outputs: Sequence[Added], fuse: str | None
) -> dict[str, Any]:
    """Raw maps keep the unit of the score; merged ones are each over their own maximum first."""
    row = find_method(method)
    merged = row.layered and any(one.merged for one in outputs)
    return {
        "method": method,
        "at": row.at,
        "gives": row.gives,
        "target": targets.text,
        "targets": len(targets.each) if targets.stacked else None,
        "maximum": "relative" if merged or fuse is not None else "raw",
    }


def _noise(outputs: Sequence[Added]) -> str | None:
    """The output that tells the noise, where it was asked for."""
    return next((output_name(o.what, o.number) for o in outputs if o.what == "noise_floor"), None)


def _extents(tensor: Tensor) -> list[int | None]:
    shape = [told(extent) for extent in tensor.shape or ()]
    return [extent if isinstance(extent, int) else None for extent in shape]
