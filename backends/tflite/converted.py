"""A .tflite file as a backend: written as .onnx aside, compared, and opened as that."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from cam_core.backend import Backend
from cam_core.converted import CONVERTED, just_now
from cam_core.discover import find_converter, open_backend
from cam_core.errors import ModelError


def open_tflite(source: str | Path, **options: Any) -> Backend:
    """A .tflite file in onnxruntime, seen at its layers.

    Its metadata say what it was compared to and how far it is apart: `cam.converted_from`.

    Args:
        source: the file, float or int8.
        options: as of `backends.onnx.OnnxBackend`.

    Raises:
        ModelError: it cannot be converted, or what comes out computes something else.
        MissingExtraError: TensorFlow or tf2onnx is not installed.
    """
    import onnx

    with tempfile.TemporaryDirectory() as held:
        file = Path(held) / f"{Path(source).stem}.onnx"
        _, found = find_converter("tflite")(source, file, force=True)
        model = onnx.load(str(file))
    if not found.same:
        raise ModelError(
            f"'{source}' computes something else as .onnx: {found.words}; "
            "`gradcam convert --force` writes it all the same"
        )
    told = {entry.key: entry for entry in model.metadata_props}
    known = {key: entry.value for key, entry in told.items()}
    told[CONVERTED].value = just_now(known, found.words)
    return open_backend(model, backend="onnx", **options)
