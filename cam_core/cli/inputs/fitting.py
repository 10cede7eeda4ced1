"""An array as the rows of an input, or as all that it takes; one line where it does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cam_core.backend import Array, InputInfo
from cam_core.errors import InputError
from cam_core.rows import row_axis

from .as_photos import as_photos


def frames(info: InputInfo) -> int:
    """How many pictures an input [N or frames, C, H, W] takes for one explanation."""
    first = info.shape[0] if info.shape and not (info.batched or info.alone) else 1
    return first if isinstance(first, int) else 1


def as_row(array: Array, info: InputInfo) -> Array:
    """[1, ...]: a clip, a picture alone or a scalar is one row as a whole."""
    return array[None] if frames(info) != 1 or not info.shape or info.alone else array


def only(arrays: Mapping[str, Array], info: InputInfo, path: Path) -> Array:
    """The one array of an archive that the input can take."""
    fitting = [a for a in arrays.values() if as_photos(a, info) is not None or fits(a, info)]
    if len(fitting) == 1:
        return fitting[0]
    held = ", ".join(f"'{name}' {list(array.shape)}" for name, array in arrays.items())
    shape = ", ".join("?" if n is None else str(n) for n in info.shape)
    which = "none of them fits" if not fitting else "several fit"
    raise InputError(
        f"archive '{path}' holds {held}: {which} input '{info.name}' [{shape}]. "
        f"Save the array under the name '{info.name}'."
    )


def fits(array: Array, info: InputInfo) -> bool:
    """Is it one row or a batch of this input, or all that it takes?"""
    rows, axis = batched(array, info), row_axis(info)
    return (
        rows.ndim == len(info.shape)
        and all(
            not isinstance(want, int) or have == want or i == axis
            for i, (have, want) in enumerate(zip(rows.shape, info.shape, strict=True))
        )
        and np.can_cast(array.dtype, info.dtype, "same_kind")
    )


def batched(array: Array, info: InputInfo) -> Array:
    """With the axis of the rows in front, where it is left out."""
    lacking = array.ndim == len(info.shape) - 1 and frames(info) == 1 and not info.alone
    return array[None] if lacking else array


def fit(array: Array, info: InputInfo, path: Path) -> Array:
    """A batch [N, ...] of this input; one row gets its batch axis.

    Raises:
        InputError: another rank, extent or type.
    """
    if fits(array, info):
        return batched(array, info).astype(info.dtype, copy=False)
    shape = ", ".join("?" if n is None else str(n) for n in info.shape)
    raise InputError(
        f"array '{path}': {array.dtype} {list(array.shape)} does not fit input '{info.name}', "
        f"{info.dtype} [{shape}]. Save the array as the model takes it."
    )
