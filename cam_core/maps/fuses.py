"""How the maps of several layers become one: the table of fuses.

Like `combine`, these functions also run on symbolic tensors and so become part of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ..backend import Array
from ..errors import InputError
from .combine import resize
from .scales import even


@dataclass(frozen=True)
class Fuse:
    """A row of FUSES: what is done to each map in [0, 1], and what makes one of several."""

    each: Callable[[Array], Array]
    """Of a map [N, *S] over its own maximum, before it is resized."""
    mix: Callable[[Sequence[Array]], Array]
    summary: str
    paper: str = ""


def fused(
    how: str,
    maps: Sequence[Array],
    signed: Sequence[Array],
    floors: Sequence[Array],
    size: Sequence[int],
) -> tuple[Array, Array]:
    """The maps of several layers as one by a row of FUSES, positive and signed.

    Each map over its own maximum, then `each`, at `size`, and of these the `mix`; a map below its
    noise is 0 everywhere. Where that is 0, negative evidence over the same maxima, mixed likewise.

    Args:
        how: the row's name.
        maps: [N, *S] of each layer.
        signed: the same with negative evidence.
        floors: [N], below which a map is noise.
        size: of the result [N, *size].
    """
    row = find_fuse(how)
    parts = list(zip(maps, signed, floors, strict=True))
    lit = row.mix([resize(row.each(even(m, m, floor)), size) for m, _, floor in parts])
    dark = [resize(even(np.maximum(-s, 0.0), m, floor), size) for m, s, floor in parts]
    return lit, np.where(lit > 0, lit, -row.mix(dark))


def find_fuse(name: str) -> Fuse:
    """The row of FUSES, or an error that names them."""
    if name not in FUSES:
        raise InputError(f"no fuse '{name}'; there are {', '.join(FUSES)}")
    return FUSES[name]


def _same(map_: Array) -> Array:
    return map_


def _stretched(map_: Array) -> Array:
    """Minus its minimum, over what is then its maximum; 0 of a map that is the same everywhere."""
    axes = tuple(range(1, map_.ndim))
    if not axes:
        return map_ - map_
    low = map_ - np.min(map_, axis=axes, keepdims=True)
    top = np.max(low, axis=axes, keepdims=True)
    flat = top == 0
    found: Array = low / np.where(flat, 1.0, top)
    return found


def _bent(map_: Array) -> Array:
    """tanh(2 M), of M over its maximum (Jiang et al. 2021, eq. 8)."""
    return np.tanh(2.0 * map_)


def _largest(maps: Sequence[Array]) -> Array:
    return reduce(np.maximum, maps)


def _mean(maps: Sequence[Array]) -> Array:
    return reduce(np.add, maps) / len(maps)


def _product(maps: Sequence[Array]) -> Array:
    return reduce(np.multiply, maps)


def _root(maps: Sequence[Array]) -> Array:
    found: Array = _product(maps) ** (1 / len(maps))
    return found


FUSES: dict[str, Fuse] = {
    "max": Fuse(_same, _largest, "the largest, each over its maximum", "Zhao et al. 2024, ODAM"),
    "mean": Fuse(_stretched, _mean, "the mean, each from 0 to 1", "pytorch-grad-cam"),
    "product": Fuse(_stretched, _product, "the product, each from 0 to 1", "RefineCAM 2026"),
    "root": Fuse(_stretched, _root, "the n-th root of the product of n", "RefineCAM 2026"),
    "scaled-max": Fuse(
        _bent, _largest, "the largest of tanh(2 M / max M)", "Jiang et al. 2021, LayerCAM"
    ),
}
"""By name. To add one: a row here, its loops in its test file."""
