"""TFLite files, float and int8 -> .onnx, by tf2onnx: outputs compared with TFLite's interpreter."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.errors import ModelError

from .finish import finish, hash_of
from .parity import Array, Feed, Parity, Seen
from .tensorflow import OPSET, made_up, require, tf2onnx_version
from .torch_parity import first_line
from .torch_settings import quiet

STEPS = 2.5 / 127
"""How far a quantised model may be apart: two steps of its output; each runtime rounds its own."""


def to_onnx(
    source: str | Path,
    path: str | Path,
    *,
    example: Mapping[str, Array] | Array | None = None,
    opset: int | None = None,
    verify: bool = True,
    force: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> tuple[Path, Parity | None]:
    """Write a .tflite file as an .onnx file, and check that it computes the same.

    Args: as of `converters.keras.to_onnx`; an int8 model stays one, with Q/DQ pairs.

    Raises:
        ModelError: it cannot be read or converted, or computes something else.
        MissingExtraError: TensorFlow or tf2onnx is not installed.
    """
    require("tensorflow", "tf2onnx")
    import tf2onnx

    source = Path(source)
    shapes = inputs_of(source)
    feeds = [_as_named(shapes, example)] if verify else []

    def write(file: Path) -> None:
        try:
            with quiet():
                tf2onnx.convert.from_tflite(
                    str(source), opset=OPSET if opset is None else opset, output_path=str(file)
                )
        except Exception as error:  # whatever tf2onnx does not know
            raise ModelError(f"'{source.name}': tf2onnx failed: {first_line(error)}") from error

    told = {"source": source.name, "sha256": hash_of(source), "converter": tf2onnx_version()}
    allowed = STEPS if quantised(source) else None
    given: dict[str, Any] = {"told": told, "force": force, "metadata": metadata}
    return finish(path, write, lambda f: seen(source, f), feeds, tolerance=allowed, **given)


def inputs_of(file: Path) -> dict[str, tuple[list[int | None], np.dtype[Any]]]:
    """Shape and type by input name; the batch is 1."""
    details = _interpreter(file).get_input_details()
    return {d["name"]: ([int(n) for n in d["shape"]], np.dtype(d["dtype"])) for d in details}


def quantised(file: Path) -> bool:
    """Has it tensors of whole numbers with a scale?"""
    return any(d["quantization"][0] for d in _interpreter(file).get_tensor_details())


def seen(file: Path, feed: Feed) -> Seen:
    """What TFLite's own interpreter gives."""
    run = _interpreter(file)
    for detail, array in zip(run.get_input_details(), feed.values(), strict=True):
        run.set_tensor(detail["index"], array)
    run.invoke()
    outputs = {d["name"]: np.array(run.get_tensor(d["index"])) for d in run.get_output_details()}
    return Seen(outputs, lambda: _tensors(run))


def _tensors(run: Any) -> dict[str, Array]:
    """As the numbers that they stand for."""
    found = {}
    for detail in run.get_tensor_details():
        try:
            array = np.array(run.get_tensor(detail["index"]))
        except ValueError:  # a scratch buffer, empty by now
            continue
        scale, zero = detail["quantization"]
        own = (array.astype(np.float32) - zero) * scale if scale else array
        found[detail["name"] or f"tensor {detail['index']}"] = own
    return found


def _as_named(
    shapes: Mapping[str, tuple[list[int | None], np.dtype[Any]]],
    example: Mapping[str, Array] | Array | None,
) -> Feed:
    if example is None:
        return made_up(shapes, 1)
    given = example if isinstance(example, Mapping) else {next(iter(shapes)): example}
    return {name: np.asarray(given[name], dtype) for name, (_, dtype) in shapes.items()}


def _interpreter(file: Path) -> Any:
    import tensorflow as tf

    try:
        with warnings.catch_warnings(), quiet():
            warnings.simplefilter("ignore")
            made = tf.lite.Interpreter(str(file), experimental_preserve_all_tensors=True)
            made.allocate_tensors()
    except Exception as error:  # whatever is in the file
        raise ModelError(f"'{file}' is no TFLite model: {first_line(error)}") from error
    return made
