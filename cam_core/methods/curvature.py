"""Second derivatives along the activations: of y, and of what a target makes of y."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..backend import Array, Backend, Inputs, Look
from ..errors import InputError
from ..maps.combine import widened
from ..targets.target import ScoredTarget


def curved(backend: Backend, x: Inputs, look: Look, layer: str, target: ScoredTarget) -> Array:
    """H A [N, K, *S], H = d2Y/dA2 at a layer of a look of x, at least float32.

    Raises:
        InputError: the backend has no second derivatives.
    """
    bend = getattr(backend, "bend", None)
    if bend is None:
        raise InputError("this backend has no second derivatives: open the .onnx file")
    y, outputs = look.score, look.outputs
    HA, JA = bend(x, layer, target(y, outputs))
    turned = turn(lambda at: target(at, outputs), y, JA)
    if np.any(turned):
        HA = HA + look.pull(lambda *_: turned.astype(y.dtype)).layers[layer]
    return widened(HA)


def turn(slope: Callable[[Array], Array], y: Array, along: Array) -> Array:
    """How dY/dy turns as y goes along a direction: a central difference in float64."""
    y, along = y.astype(np.float64), along.astype(np.float64)
    longest = float(np.max(np.abs(along), initial=0))
    if longest == 0:
        return np.zeros_like(y)
    step = 1e-4 / longest  # its square and 1e-16 over it are both below float32
    found: Array = (slope(y + step * along) - slope(y - step * along)) / (2 * step)
    return found
