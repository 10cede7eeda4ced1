"""The float weight behind a quantised one: by its name, else by its numbers."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError

from .net import Net

ENDINGS = ("_quantized", "_dequantized", "_DequantizeLinear_Output", "_q", "_dq")
"""What quantisers write after the name of a weight."""
ALIKE = 0.9
"""Correlation from which on a weight of another name counts as the same: 8 bits give 0.999."""
OTHER = 0.5
"""Correlation below which weights of one name are those of another training."""


def float_of(
    net: Net, names: Collection[str], q: Array, taken: Collection[str] = ()
) -> tuple[str, Array] | None:
    """(its name in the float model, its numbers) of a weight that was dequantised to q.

    Args:
        net: the float model.
        names: what the quantised file calls it.
        q: the dequantised numbers.
        taken: weights of the float model that belong to others.
    """
    for name in dict.fromkeys(bare for full in names for bare in (full, *_bare(full))):
        w = net.value(name)
        if w is not None and w.shape == q.shape and w.dtype.kind == "f":
            return name, w
    rated = [
        (correlation(w, q), name, w)
        for name in net.weights
        if name not in taken and (w := net.value(name)) is not None
        if w.shape == q.shape and w.dtype.kind == "f" and w.size > 1
    ]
    best = max(rated, key=lambda one: one[0], default=None)
    return None if best is None or best[0] < ALIKE else best[1:]


def require_same(pairs: Collection[tuple[str, Array, Array]]) -> None:
    """Refuses a float model of another training.

    Args:
        pairs: (name, float weight, dequantised weight).

    Raises:
        InputError: most of its weights have nothing to do with the quantised ones.
    """
    rated = [(correlation(w, q), name) for name, w, q in pairs if w.size > 1]
    if not rated or np.median([r for r, _ in rated]) >= OTHER:
        return
    r, name = min(rated)
    raise InputError(
        f"the models hold other weights: '{name}' correlates by {r:.2f} with its quantised copy; "
        f"give the float model that was quantised"
    )


def correlation(a: Array, b: Array) -> float:
    """Of all numbers, about 0; 0 where either is 0 throughout."""
    x, y = (np.ravel(v).astype(np.float64) for v in (a, b))
    size = np.linalg.norm(x) * np.linalg.norm(y)
    return float(x @ y / size) if size > 0 else 0.0


def _bare(name: str) -> list[str]:
    """The name without what a quantiser wrote after it, and with what another would."""
    roots = [name.removesuffix(end) for end in ENDINGS if name.endswith(end)]
    return [*roots, *(f"{root}{end}" for root in roots for end in ENDINGS)]
