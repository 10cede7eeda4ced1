"""The files that are compared, and how they are run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort

from backends.onnx import instrument, save
from cam_core.maps import Layout
from cam_core.maps.arrangement import Arrangement

Reading = Layout | Arrangement


def model_input(path: Path) -> str:
    """The name of a file's input."""
    return str(onnx.load(str(path), load_external_data=False).graph.input[0].name)


def written(path: Path, **options: Any) -> Path:
    """The instrumented model of `path`, as a file beside it."""
    return saved(instrument(str(path), **options), path)


def saved(model: onnx.ModelProto, path: Path) -> Path:
    file = path.with_name(f"cam.{path.name}")
    save(model, file, path)
    return file


def opened(model: Path, optimise: bool = True) -> ort.InferenceSession:
    options = ort.SessionOptions()
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 2
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def outputs_of(session: ort.InferenceSession, feed: dict[str, Any]) -> dict[str, Any]:
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def layout_of(model: onnx.ModelProto) -> Reading:
    """How the layer's tensor of an instrumented model becomes [N, K, *S]."""
    (text,) = (e.value for e in model.metadata_props if e.key == "cam.layout")
    return Arrangement.parse(text) if "->" in text else Layout.parse(text)
