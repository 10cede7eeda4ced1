"""How much of a map lies on a mask, and how many of its largest cells (Arras et al. 2022)."""

from __future__ import annotations

import numpy as np

from ...backend import Array
from ..given import as_positive, masks_of, share


def relevance_mass(maps: Array, masks: Array) -> Array:
    """sum of L on the mask / sum of L (Arras et al. 2022, CLEVR-XAI).

    Args:
        maps: [N, *S], not negative.
        masks: bool [N, *S].

    Returns:
        Float64 [N] in [0, 1]; NaN of a map without heat.
    """
    maps = as_positive(maps)
    masks, axes = masks_of(masks, maps.shape), tuple(range(1, maps.ndim))
    return share((maps * masks).sum(axis=axes), maps.sum(axis=axes))


def relevance_rank(maps: Array, masks: Array) -> Array:
    """The share of the K largest cells that lie on a mask of K cells (Arras et al. 2022).

    Where equal cells straddle the K-th place, what is expected of a draw among them.

    Args:
        maps: [N, *S], not negative.
        masks: bool [N, *S].

    Returns:
        Float64 [N] in [0, 1]; NaN of a map without heat.
    """
    maps = as_positive(maps)
    masks = masks_of(masks, maps.shape)
    return np.array(
        [_rank(one.ravel(), mask.ravel()) for one, mask in zip(maps, masks, strict=True)]
    )


def _rank(heat: Array, mask: Array) -> float:
    if not heat.any():
        return float("nan")
    count = int(mask.sum())
    last = np.partition(heat, -count)[-count]
    above, tied = heat > last, heat == last
    drawn = (count - above.sum()) / tied.sum()
    return float((mask[above].sum() + drawn * mask[tied].sum()) / count)
