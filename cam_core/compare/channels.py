"""Which channels the maps of some photos come from, beside the maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..backend import Look
from ..explanation import Explanation
from ..maps.channels import added, sketch
from ..maps.combine import widened
from .photos import Seen


def with_channels(seen: Sequence[Seen], found: Explanation | None, look: Look) -> list[Seen]:
    """The same with `Seen.channels`; of maps that are no sum over the channels of one layer None.

    Args:
        seen: the first rows of the explanation.
        found: the explanation.
        look: what it was made of.
    """
    if found is None:
        return list(seen)
    A, alpha = look.activations.get(found.layer), found.alpha
    if A is None or alpha is None or A.ndim != alpha.ndim or A.shape[:2] != alpha.shape[:2]:
        return list(seen)
    rows = sketch(added(widened(A), alpha, found.signed))
    known: list[bool] = [bool(np.isfinite(row).all()) for row in rows]
    return [
        replace(one, channels=row) if finite else one
        for one, row, finite in zip(seen, rows, known, strict=False)  # a fixed batch has more rows
    ]
