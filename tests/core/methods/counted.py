"""Counts how many rows a model runs, and how many its tail."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from backends.onnx.capturing.backend import OnnxBackend
from backends.onnx.capturing.tail import LookTail


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Rows by `looks` and `tails` from now on."""
    found: Counter[str] = Counter()
    look, tail = OnnxBackend.look, LookTail.__call__

    def looks(backend: OnnxBackend, x: Any, **options: Any) -> Any:
        array = x if isinstance(x, np.ndarray) else next(iter(x.values()))
        found["looks"] += len(array)
        return look(backend, x, **options)

    def tails(run: LookTail, A: Any) -> Any:
        found["tails"] += len(A)
        return tail(run, A)

    monkeypatch.setattr(OnnxBackend, "look", looks)
    monkeypatch.setattr(LookTail, "__call__", tails)
    return found
