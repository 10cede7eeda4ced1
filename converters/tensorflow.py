"""What the converters of TensorFlow's formats share: tf2onnx, and inputs to compare on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cam_core.errors import MissingExtraError

from .parity import Array, Feed

OPSET = 17
OPEN = 224
"""Of an extent that nobody fixed."""
EXTRAS = {
    "keras": "keras",
    "tensorflow": "keras",
    "tf2onnx": "keras",
    "jax": "jax",
    "jax2onnx": "jax",
}


def require(*packages: str) -> None:
    """Refuses in one line what is not installed.

    Raises:
        MissingExtraError: says which extra installs it.
    """
    from importlib.util import find_spec

    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(
                f"{package} is not installed: pip install 'cam-core[{EXTRAS[package]}]'"
            )


def made_up(shapes: Mapping[str, tuple[list[Any], np.dtype[Any]]], rows: int) -> Feed:
    """Noise of these shapes and types, always the same; open batches have so many rows."""
    rng = np.random.default_rng(rows)
    found: dict[str, Array] = {}
    for name, (shape, dtype) in shapes.items():
        own = [_extent(n, rows if axis == 0 else OPEN) for axis, n in enumerate(shape)]
        if dtype.kind in "iu":
            low, high = max(np.iinfo(dtype).min, -128), min(np.iinfo(dtype).max, 127)
            found[name] = rng.integers(low, high, own).astype(dtype)
        else:
            found[name] = rng.random(own).astype(dtype)
    return found


def _extent(n: Any, otherwise: int) -> int:
    return n if isinstance(n, int) and n > 0 else otherwise


def tf2onnx_version() -> str:
    """Its name and version."""
    from importlib.metadata import version

    return f"tf2onnx {version('tf2onnx')}"
