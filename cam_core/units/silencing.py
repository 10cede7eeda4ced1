"""What a score loses with the units it hangs on: is a class a bag of them?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..backend import Array


def silenced(A: Array, order: Sequence[int]) -> Iterator[Array]:
    """A [N, K, *S] with the first 0, 1, 2, ... units of `order` set to 0 (Zhou et al. 2018).

    Their scores are a curve: the score as it is, then without the first unit, and so on.
    """
    quiet = np.array(A)
    yield quiet.copy()
    for unit in order:
        quiet[:, unit] = 0
        yield quiet.copy()
