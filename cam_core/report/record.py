"""A record: what is needed to make a map again, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def to_json(record: Mapping[str, Any]) -> bytes:
    """The bytes of a .json file."""
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode(errors="backslashreplace")  # a file name may be no UTF-8


def versions() -> dict[str, str]:
    """Of what had a part in the numbers, where installed; looking takes as long as a model."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in ("cam-core", "numpy", "onnx", "onnxruntime", "onnxruntime-gpu", "pillow"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
