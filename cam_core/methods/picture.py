"""The input that a method changes, or that its map lies over: which one it is, and its axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..backend import Array, InputInfo, Inputs
from ..errors import InputError


def pictured(inputs: Sequence[InputInfo], over: str) -> InputInfo:
    """The input `over`, else the first picture, else the first.

    Of floats, or a picture of bytes, which can be masked and has no gradient.

    Raises:
        InputError: there is none.
    """
    infos = [
        info
        for info in inputs
        if np.issubdtype(info.dtype, np.floating) or info.channel_axis is not None
    ]
    if not infos:
        raise InputError("the model takes no floats: its input cannot be changed a little")
    named = [info for info in infos if info.name == over]
    pictures = [info for info in infos if info.channel_axis is not None]
    return (named or pictures or infos)[0]


def by_name(x: Inputs, info: InputInfo) -> Mapping[str, Array]:
    """What the model was fed, where a single array is that input."""
    return x if isinstance(x, Mapping) else {info.name: x}


def channel_axis_of(picture: Array, info: InputInfo) -> int | None:
    """The features of a vector are its places, they are told apart."""
    return None if picture.ndim < 3 else info.channel_axis


def places_of(picture: Array, info: InputInfo) -> tuple[int, ...]:
    """The axes that are no rows and no channels."""
    apart = (info.row_axis, channel_axis_of(picture, info))
    return tuple(axis for axis in range(picture.ndim) if axis not in apart)


def channels_first(values: Array, axis: int | None) -> Array:
    """As [N, C, *S]; what has no channels gets one."""
    if axis is None:
        return values[:, None] if values.ndim in (2, 3) else values
    return np.moveaxis(values, axis, 1)
