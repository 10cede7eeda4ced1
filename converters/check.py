"""Whether two files compute the same, whoever made one of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.errors import InputError

from . import seen_onnx, tflite
from .parity import Array, Feed, Parity, Seen, compare
from .tensorflow import made_up, require

Opened = tuple[dict[str, tuple[list[Any], np.dtype[Any]]], Callable[[Feed], Seen]]
"""What a file takes, and its run."""


def check(
    one: str | Path,
    other: str | Path,
    *,
    example: Mapping[str, Array] | None = None,
    tolerance: float | None = None,
) -> Parity:
    """Runs both on the same input; inputs go in order, an NHWC one is turned for an NCHW one.

    Args:
        one, other: .onnx, .tflite, .keras, .h5 or the folder of a SavedModel.
        example: by the names of the inputs of `one`; noise if None.
        tolerance: relative to the largest value; of float32 1e-4 if None.

    Raises:
        InputError: a file of another kind, or inputs that do not fit.
        MissingExtraError: its framework is not installed.
    """
    (mine, run), (theirs, run_other) = _open(Path(one)), _open(Path(other))
    if len(mine) != len(theirs):
        raise InputError(f"'{one}' takes {len(mine)} inputs, '{other}' {len(theirs)}")
    feed = dict(made_up(mine, 1)) if example is None else dict(example)
    pairs = zip(theirs.items(), feed.values(), strict=True)
    given = {name: _turned(array, *info, name) for (name, info), array in pairs}
    return compare(run(feed), run_other(given), tolerance)


def _open(file: Path) -> Opened:
    kind = "folder" if file.is_dir() else file.suffix.lower()
    if kind not in OPENERS:
        known = ", ".join(OPENERS)
        raise InputError(f"'{file}' is of none of the kinds that can be run here: {known}")
    return OPENERS[kind](file)


def _onnx(file: Path) -> Opened:
    found: dict[str, tuple[list[Any], np.dtype[Any]]] = {**seen_onnx.inputs_of(file)}
    return found, lambda feed: seen_onnx.seen(file, feed)


def _tflite(file: Path) -> Opened:
    require("tensorflow")
    found: dict[str, tuple[list[Any], np.dtype[Any]]] = {**tflite.inputs_of(file)}
    return found, lambda feed: tflite.seen(file, feed)


def _keras(file: Path) -> Opened:
    require("keras", "tensorflow")
    from .keras import opened

    found: Opened = opened(file)
    return found


OPENERS: dict[str, Callable[[Path], Opened]] = {
    ".onnx": _onnx,
    ".tflite": _tflite,
    ".keras": _keras,
    ".h5": _keras,
    "folder": _keras,
}
"""By the ending of a file."""


def _turned(array: Array, shape: list[Any], dtype: np.dtype[Any], name: str) -> Array:
    """As the other file takes it."""
    for order in (None, (0, 3, 1, 2), (0, 2, 3, 1)):
        if order is not None and array.ndim != 4:
            continue
        found = array if order is None else array.transpose(order)
        fits = len(shape) == found.ndim and all(
            not isinstance(want, int) or want in (have, 0)
            for want, have in zip(shape, found.shape, strict=True)
        )
        if fits:
            return np.ascontiguousarray(found.astype(dtype))
    raise InputError(f"input '{name}' takes {shape}, and the other file {list(array.shape)}")
