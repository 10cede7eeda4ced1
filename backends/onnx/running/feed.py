"""Brings what a caller hands over to what the model takes, or says in one line why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cam_core.backend import Array, InputInfo, Inputs
from cam_core.errors import InputError
from cam_core.rows import count, row, row_axis


def feed(x: Inputs, infos: Sequence[InputInfo]) -> dict[str, Array]:
    """One array by input name, each of the model's type and fitting its shape.

    Raises:
        InputError: an input is missing, unknown, of another rank, extent or type.
    """
    if not isinstance(x, Mapping):
        if len(infos) != 1:
            names = ", ".join(f"'{i.name}'" for i in infos)
            raise InputError(f"the model takes {len(infos)} inputs, {names}: give them by name")
        x = {infos[0].name: x}
    known = {info.name: info for info in infos}
    for name in x:
        if name not in known:
            raise InputError(f"no input '{name}'; the model takes {', '.join(known)}")
    missing = [name for name in known if name not in x]
    if missing:
        raise InputError(f"input '{missing[0]}' is not given")
    return {name: _fit(np.asarray(x[name]), info) for name, info in known.items()}


def _fit(array: Array, info: InputInfo) -> Array:
    expected = f"[{', '.join('?' if d is None else str(d) for d in info.shape)}]"
    if array.ndim != len(info.shape):
        raise InputError(f"input '{info.name}' has shape {list(array.shape)}, expected {expected}")
    for axis, (have, want) in enumerate(zip(array.shape, info.shape, strict=True)):
        by_rows = axis == info.row_axis and want == 1 and have > 1
        if isinstance(want, int) and have != want and not by_rows:
            raise InputError(
                f"input '{info.name}' has shape {list(array.shape)}, expected {expected}"
            )
    if array.dtype == info.dtype:
        return array
    if not np.can_cast(array.dtype, info.dtype, "same_kind"):
        raise InputError(f"input '{info.name}' is {array.dtype}, the model takes {info.dtype}")
    return array.astype(info.dtype)


def rows(feeds: Mapping[str, Array], infos: Sequence[InputInfo]) -> list[dict[str, Array]]:
    """The feeds as the model's batches: one, or one a row where its batch is fixed at 1.

    What counts no rows (captions, a clip, a scalar) is given whole to each of them.
    """
    known = {info.name: info for info in infos}
    counts = {n: count(feeds[n], info) for n, info in known.items() if _fixed(info)}
    several = set(counts.values()) - {1}
    if not several:
        return [dict(feeds)]
    if len(several) > 1:
        raise InputError(f"inputs of {', '.join(map(str, sorted(several)))} rows do not fit")
    wanted = several.pop()
    if not wanted:
        raise InputError("the batch has no rows")
    for name, array in feeds.items():
        if count(array, known[name]) not in (1, wanted):
            raise InputError(
                f"input '{name}' has {count(array, known[name])} rows where others have {wanted}"
            )
    return [{n: row(a, known[n], i) for n, a in feeds.items()} for i in range(wanted)]


def _fixed(info: InputInfo) -> bool:
    """Is its batch fixed at 1?"""
    axis = row_axis(info)
    return axis is not None and info.shape[axis] == 1
