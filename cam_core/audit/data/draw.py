"""Some of many photos, drawn without holding any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ...errors import InputError
from .item import Item


def count(data: Iterable[Item]) -> int:
    """How many there are; none is opened.

    Raises:
        InputError: there is none.
    """
    found = sum(1 for _ in data)
    if not found:
        raise InputError("no photo in the data. Check the path.")
    return found


def drawn(data: Iterable[Item], total: int, sample: int | None, seed: int) -> Iterator[Item]:
    """So many of all of them, in their order; None, or more than there are: all.

    Each set of so many is as likely as another (drawn without putting back, seeded).
    """
    if sample is None or sample >= total:
        yield from data
        return
    if sample < 1:
        raise InputError(f"a sample of {sample}: draw 1 photo or more")
    wanted = np.sort(np.random.default_rng(seed).choice(total, sample, replace=False))
    left = wanted.tolist()[::-1]
    for index, item in enumerate(data):
        if index == left[-1]:
            yield item
            left.pop()
            if not left:
                return
