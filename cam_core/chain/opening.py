"""Models of a chain: opened, named, and with the output as score that goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..backend import Backend
from ..discover import open_backend
from ..errors import ModelError


def opened(model: Any, options: Mapping[str, Any]) -> Backend:
    """A backend is one already."""
    found: Backend = model if hasattr(model, "look") else open_backend(model, **options)
    return found


def with_score(backend: Any, output: str, name: str) -> Backend:
    """The same model whose score is one of its outputs.

    Raises:
        ModelError: a backend that knows no other score than its own.
    """
    if hasattr(backend, "with_score"):
        found: Backend = backend.with_score(output)
        return found
    if backend.score_name == output:
        same: Backend = backend
        return same
    raise ModelError(
        f"'{name}' is a {type(backend).__name__}, which has no with_score: open it with "
        f"the output '{output}' as its score"
    )


def stem(model: Any) -> str:
    """Of a file, or of what a backend was opened from."""
    path = model if isinstance(model, str | Path) else getattr(model, "path", None)
    return "" if path is None else Path(path).stem
