"""Models as onnxruntime saves them optimised: what is fused in them, and their gradients."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort

from backends.onnx import OnnxBackend
from cam_core.targets import ClassTarget

LEVELS = ort.GraphOptimizationLevel
CLASSES = (1, 3)


def save(model: Any, path: Path, level: Any = LEVELS.ORT_ENABLE_EXTENDED) -> onnx.ModelProto:
    """`model` as onnxruntime optimises it."""
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 4  # it warns that the file is made for this machine
    given = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    ort.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    return onnx.load(path)


def fused(model: onnx.ModelProto) -> Counter[str]:
    """The operators of onnxruntime's own that a model holds."""
    known = ("com.microsoft", "com.microsoft.nchwc")
    return Counter(
        n.op_type
        for n in model.graph.node
        if n.domain in known or n.op_type == "SimplifiedLayerNormalization"
    )


def gradients(model: Any, x: Any) -> tuple[Any, Any]:
    """(those of the default layer, those of the image)."""
    (seen,) = OnnxBackend(model).capture(x, ClassTarget(list(CLASSES)), input_gradients=True)
    return seen.gradients, next(iter(seen.input_gradients.values()))
