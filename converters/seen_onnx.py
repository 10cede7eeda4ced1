"""An .onnx file run in onnxruntime, with all its tensors where they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cam_core.errors import MissingExtraError, ModelError

from .parity import Array, Feed, Seen
from .torch_parity import first_line


def inputs_of(file: Path) -> dict[str, tuple[list[int | None], np.dtype[Any]]]:
    """Shape and type by input name; None is an open extent."""
    import onnx

    model = _loaded(file)
    weights = {t.name for t in model.graph.initializer}
    found = {}
    for i in model.graph.input:
        if i.name not in weights:
            kind = i.type.tensor_type
            shape = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
            found[i.name] = shape, np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
    return found


def seen(file: Path, feed: Feed) -> Seen:
    """What the file gives.

    Raises:
        ModelError: onnxruntime does not run it.
    """
    return Seen(_run(str(file), feed, file.name), lambda: _tensors(file, feed))


def _run(model: str | bytes, feed: Feed, said: str, *, optimise: bool = True) -> dict[str, Array]:
    ort = _runtime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, dict(feed)), strict=True))
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise ModelError(f"onnxruntime does not run '{said}': {first_line(error)}") from error


def _tensors(file: Path, feed: Feed) -> dict[str, Array]:
    """Of the unoptimised file, in the order of its nodes."""
    import onnx

    model = _loaded(file)
    made = [name for node in model.graph.node for name in node.output if name]
    present = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in made if n not in present)
    found = _run(model.SerializeToString(), feed, file.name, optimise=False)
    return {name: found[name] for name in made if isinstance(found[name], np.ndarray)}


def _loaded(file: Path) -> Any:
    import onnx

    try:
        return onnx.load(str(file))
    except OSError as error:  # of the file, or of its external data
        raise ModelError(f"cannot read '{file}': {error.strerror or error}") from error
    except Exception as error:  # protobuf's errors
        raise ModelError(
            f"'{file.name}' is no ONNX model, or is cut off; export or download it again"
        ) from error


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(
            'onnxruntime is not installed: pip install "cam-core[cpu]" (or [gpu])'
        ) from error
    return onnxruntime
