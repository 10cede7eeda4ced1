"""Integer operators whose inputs lie elsewhere than those of the float ones they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .cellwise import reduced
from .factors import Axes
from .table import Step, moves
from .views import concatenated


@moves("QLinearConcat", domain="com.microsoft")
def whole_concat(step: Step) -> Sequence[Axes | None]:
    """Scale and zero point of the result, then three inputs a part."""
    return concatenated(replace(step, inputs=step.inputs[2::3]))


@moves("QLinearReduceMean", domain="com.microsoft")
def whole_mean(step: Step) -> Sequence[Axes | None]:
    """Its axes are an attribute."""
    axes = step.attrs.get("axes")
    given = None if axes is None else np.array(axes)
    return reduced(replace(step, inputs=step.inputs[:1], values=[None, given]))


@moves("QLinearAdd", "QLinearMul", domain="com.microsoft")
def whole_sum(step: Step) -> Sequence[Axes | None]:
    shape = step.made[0]
    both = [step.given(0), step.given(3)]
    return [None if shape is None else step.aligned(both, shape)]


@moves("QEmbedLayerNormalization", "EmbedLayerNormalization", domain="com.microsoft")
def embedded(step: Step) -> Sequence[Axes | None]:
    """[N, T] of numbers of words -> [N, T, C]."""
    found = [step.new(i) for i in range(len(step.made))]
    if found[0] is not None:
        found[0] = (*step.x, found[0][-1])
    return found
