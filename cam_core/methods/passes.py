"""Many changed pictures through the model, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ..backend import Array, Backend, InputInfo, Look
from .answered import batched

BATCH = 32
"""How many changed inputs, or activations, are scored at once."""
ON_CPU = 4
"""How many changed inputs there: what is made of more leaves the caches."""
BLOCK = 2**26
"""Bytes of changed activations that are scored at once."""


def suited_to(provider: str) -> int:
    """How many changed inputs at once suit a device."""
    return ON_CPU if "cpu" in provider.casefold() else BATCH


def looks(
    backend: Backend,
    given: Mapping[str, Array],
    info: InputInfo,
    changed: Iterable[Array],
    most: int,
    layers: Sequence[str],
    inputs: Sequence[str],
) -> Iterator[tuple[int, Look]]:
    """Looks at some changed pictures at a time, and how many each of them is of.

    Args:
        backend: the model.
        given: what it was fed, by name.
        info: the input that is changed.
        changed: each like what that input was fed.
        most: of them at a time, where the input counts rows; else they come one by one.
        layers: as of `look`.
        inputs: as of `look`.
    """
    for blocks in batched(changed, most if info.row_axis == 0 else 1):
        fed = with_blocks(given, backend.inputs(), info.name, blocks)
        yield len(blocks), backend.look(fed, layers=layers, inputs=inputs)


def with_blocks(
    given: Mapping[str, Array], infos: Sequence[InputInfo], name: str, blocks: Sequence[Array]
) -> dict[str, Array]:
    """What the model is fed with some pictures, one block after the other, as one of its inputs.

    Of bytes they are rounded; the other inputs that count rows are repeated.
    """
    each_row = {info.name for info in infos if info.row_axis == 0}
    fed = {
        other: np.concatenate([array] * len(blocks)) if other in each_row else np.asarray(array)
        for other, array in given.items()
    }
    own, kind = np.concatenate(blocks), np.asarray(given[name]).dtype
    return fed | {name: (np.rint(own) if kind.kind in "iu" else own).astype(kind)}
