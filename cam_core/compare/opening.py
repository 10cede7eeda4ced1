"""A side of a comparison from what is written: a file, or `package.module:factory`."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import Array, Backend, InputInfo
from ..discover import open_backend
from ..errors import CamError, ModelError

FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
"""What names a function that makes a model."""
OPEN = 224
"""Extent of an axis that nobody fixes, in an example."""
OF_TORCH = ("layer", "score")
"""The options that a live module takes."""


def is_factory(source: str) -> bool:
    """Is it `package.module:factory`, and no file?"""
    return FACTORY.fullmatch(source) is not None and not Path(source).exists()


def open_side(source: str, like: Sequence[InputInfo] = (), **options: Any) -> Backend:
    """The model, ready to be explained.

    Args:
        source: a file, or `package.module:factory`: what the function gives is opened, be it a
            model, or a pair of a model and an example of its input.
        like: what the model takes, where it cannot say itself: the inputs of the other side.
        options: for the backend.

    Raises:
        ModelError: no such module, or no such function in it, or what it raises.
    """
    if not is_factory(source):
        return open_backend(source, **options)
    made = _made(source)
    model, example = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
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
            "nothing says what both models take: let one of the factories give a pair "
            "(model, example input)"
        )
    found = {info.name: np.zeros(_shape(info), info.dtype) for info in like}
    return next(iter(found.values())) if len(found) == 1 else found


def _shape(info: InputInfo) -> list[int]:
    inner = [n if isinstance(n, int) else OPEN for n in info.shape[1:]]
    if info.channel_axis is not None and not isinstance(info.shape[info.channel_axis], int):
        inner[info.channel_axis % len(info.shape) - 1] = 3
    return [1, *inner]


def _made(source: str) -> Any:
    module, _, name = source.partition(":")
    try:
        factory = attrgetter(name)(import_module(module))
    except ImportError as error:
        raise ModelError(f"'{source}': {error}") from error
    except AttributeError as error:
        raise ModelError(f"'{source}': module '{module}' has no '{name}'") from error
    try:
        return factory() if callable(factory) and not _is_model(factory) else factory
    except CamError:
        raise
    except Exception as error:  # a factory may fail in any way; the line says which
        raise ModelError(f"'{source}' failed: {type(error).__name__}: {error}") from error


def _is_model(value: Any) -> bool:
    """A module is callable as well."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def _array(example: Any) -> Array:
    """A tensor, or what else is one row of input."""
    return np.asarray(example.detach().cpu() if hasattr(example, "detach") else example)
