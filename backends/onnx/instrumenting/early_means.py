"""A mean over places, taken before the last steps of the reverse pass instead of after them.

Grad-CAM reads no gradient but its mean over space. Steps that are linear and treat all places alike
exchange with that mean: a product with a weight is then done for one row instead of one a place,
a pool that only routes need not route, and of a flattened map's weights only their means are read.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..reading.graph import Tensor
from ..writing.op import Op
from .mean_steps import STEPS
from .means import Means


def early_mean(op: Op, x: Tensor, axes: Sequence[int]) -> Tensor | None:
    """The mean of x over `axes`, kept as 1, from what x is made of; None: nothing is saved."""
    return Means(op, STEPS).before(x, dict.fromkeys(axes))
