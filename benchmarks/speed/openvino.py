"""The same files on OpenVINO, beside the branch that openvino_xai inserts.

openvino_xai 1.1 imports `openvino.runtime`, which OpenVINO 2026 calls `openvino`; with that name
in place it runs unchanged (`pip install --no-deps openvino-xai==1.1.0`: it asks for NumPy 1). Its
branch is Recipro-CAM: the tail run once per place of the map, with the maps of all classes.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from backends.onnx import instrument

from .blocks import Run
from .models import Model, file
from .row import Row, Setting, ratios, reason
from .sessions import TOP, picture


def openvino(model: Model, setting: Setting) -> Iterator[Row]:
    """Units are OpenVINO's own plain forward pass, at batch 1."""
    path, names = file(model, setting.folder), {"ours": "ours"}
    try:
        plain, ours = _read(path), _read(instrument(path))
    except ModuleNotFoundError as error:
        yield Row("openvino", model.key, "ours", note=reason(error))
        return
    runs = {"plain": _runner(plain, setting), "ours": _runner(ours, setting)}
    try:
        runs["xai"] = _runner(_branch(plain), setting)
        names["xai"] = "openvino_xai"
    except Exception as error:
        yield Row("openvino", model.key, "openvino_xai", note=reason(error))
    yield from ratios("openvino", model.key, setting.time(runs), names)


def _read(model: Path | onnx.ModelProto) -> Any:
    """For a batch of 1, in which openvino_xai expects a model."""
    import openvino as ov

    if isinstance(model, Path):
        found = ov.Core().read_model(model)
    else:
        with tempfile.TemporaryDirectory() as folder:
            onnx.save(model, Path(folder) / "model.onnx")
            found = ov.Core().read_model(Path(folder) / "model.onnx")
    shapes = {i.any_name: i.partial_shape for i in found.inputs}
    found.reshape({name: [1, *list(shape)[1:]] for name, shape in shapes.items()})
    return found


def _runner(model: Any, setting: Setting) -> Run:
    import openvino as ov

    hints = {
        "INFERENCE_NUM_THREADS": setting.threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = ov.Core().compile_model(model, "CPU", hints).create_infer_request()
    image, *rest = model.inputs
    feed = {image.any_name: picture(tuple(image.shape))} | {i.any_name: TOP for i in rest}
    return lambda: request.infer(feed)


def _branch(model: Any) -> Any:
    import openvino
    import openvino.opset10

    renamed = {"openvino.runtime": openvino, "openvino.runtime.opset10": openvino.opset10}
    sys.modules |= {name: sys.modules.get(name, module) for name, module in renamed.items()}
    openvino.runtime = openvino  # type: ignore[attr-defined]
    from openvino_xai import Task, insert_xai

    logging.getLogger("openvino_xai").setLevel(logging.ERROR)
    return insert_xai(model, task=Task.CLASSIFICATION)
