"""Models as a client runs them: by onnxruntime alone, on one thread, without a word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort

Model = onnx.ModelProto | Path | bytes


def open_session(
    model: Model, *, level: str = "ORT_ENABLE_ALL", **settings: Any
) -> ort.InferenceSession:
    """A session at a level of optimisation; `settings` are attributes of SessionOptions."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    for name, value in settings.items():
        setattr(options, name, value)
    given = str(model) if isinstance(model, Path) else model
    given = given.SerializeToString() if isinstance(given, onnx.ModelProto) else given
    return ort.InferenceSession(given, options, providers=["CPUExecutionProvider"])


def run(
    model: Model,
    feed: Mapping[str, Any] | None = None,
    /,
    level: str = "ORT_ENABLE_ALL",
    **more: Any,
) -> dict[str, Any]:
    """Every output by name."""
    session = open_session(model, level=level)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {**(feed or {}), **more}), strict=True))
