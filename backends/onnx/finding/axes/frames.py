"""Windows of a signal that a file cuts out one by one and puts side by side: its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from .factors import Axes, Given, size
from .strides import walked


def stacked(parts: Sequence[Axes], at: int) -> Axes | None:
    """Windows of one axis put one behind the other along a new axis `at`; None if it is not that.

    Which window it is, the new axis says, and the other where in it: the frames of an unfolding
    that was written as slices, as a table of their cells would list them.
    """
    first = parts[0]
    differ = [i for i in range(len(first)) if any(axes[i] != first[i] for axes in parts)]
    if len(differ) != 1 or differ == [at] or any(size(axes[at]) != 1 for axes in parts):
        return None
    (along,) = differ
    if any(len(axes[along]) != 1 for axes in parts):
        return None
    own = [axes[along][0] for axes in parts]
    base, starts = own[0], [factor.start for factor in own]
    hop = (starts[1] - starts[0]) / base.width
    alike = all(replace(factor, start=base.start) == base for factor in own)
    regular = all(b - a == hop * base.width for a, b in pairwise(starts))
    if not isinstance(base.origin, Given) or not alike or not regular or hop < 1 or hop % 1:
        return None
    frames, window = walked(base, 0, [(len(own), int(hop)), (base.extent, 1)])
    out = list(first)
    out[at], out[along] = (frames,), (window,)
    return tuple(out)
