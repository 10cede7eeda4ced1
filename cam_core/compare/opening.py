"""A side of a comparison from what is written: a file, or `package.module:factory`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import Array, Backend, InputInfo
from ..discover import open_backend
from ..errors import ModelError
from ..factory import is_factory, made

OPEN = 224
"""Extent of an axis that nobody fixes, in an example."""
OF_TORCH = ("layer", "score")
"""The options that a live module takes."""


def open_side(source: str, like: Sequence[InputInfo] = (), **options: Any) -> Backend:
    """The model, ready to be explained.

    Args:
        source: a file, or `package.module:factory`: what the function gives is opened, be it a
            model, or a pair of a model and an example of its input; a backend is open already, and
            is told nothing more.
        like: what the model takes, where it cannot say itself: the inputs of the other side.
        options: for the backend.

    Raises:
        ModelError: no such module, or no such function in it, or what it raises.
    """
    if not is_factory(source):
        return open_backend(source, **options)
    model, example = made(source)
    if isinstance(model, Backend):
        return model
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module):
        return open_backend(model, **options)
    model.eval()
    given = _array(example) if example is not None else zeros(like)
    own = {name: value for name, value in options.items() if name in OF_TORCH}
    return open_backend(model, example=given, **own)


def zeros(like: Sequence[InputInfo]) -> Any:
    """An input of one row; by name where there are several.

    Raises:
        ModelError: nobody says of what shape.
    """
    if not like:
        raise ModelError(
            "nothing says what the model takes: let the function that makes it give a pair "
            "(model, example input)"
        )
    found = {info.name: np.zeros(_shape(info), info.dtype) for info in like}
    return next(iter(found.values())) if len(found) == 1 else found


def _shape(info: InputInfo) -> list[int]:
    inner = [n if isinstance(n, int) else OPEN for n in info.shape[1:]]
    if info.channel_axis is not None and not isinstance(info.shape[info.channel_axis], int):
        inner[info.channel_axis % len(info.shape) - 1] = 3
    return [1, *inner]


def _array(example: Any) -> Array:
    """A tensor, or what else is one row of input."""
    return np.asarray(example.detach().cpu() if hasattr(example, "detach") else example)
