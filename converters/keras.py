"""Keras models and TensorFlow's SavedModels -> .onnx, by tf2onnx: names kept, outputs compared."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.errors import InputError, ModelError

from .finish import finish, hash_of
from .left_over import hold, spell_erfc
from .parity import Array, Feed, Parity, Seen
from .tensorflow import OPSET, made_up, require, tf2onnx_version
from .torch_parity import first_line
from .torch_settings import quiet


def to_onnx(
    source: Any,
    path: str | Path,
    *,
    example: Mapping[str, Array] | Array | None = None,
    opset: int | None = None,
    verify: bool = True,
    force: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> tuple[Path, Parity | None]:
    """Write a Keras model or a SavedModel as an .onnx file, and check that it computes the same.

    Args:
        source: a `keras.Model` on TensorFlow, a `.keras` or `.h5` file, or the folder of a
            SavedModel, whose `serving_default` is taken.
        path: where the model goes.
        example: what both are run on; noise of the declared shape if None.
        opset: None takes 17.
        verify: run both.
        force: write it also where the outputs differ.
        metadata: what else the file is told: cam.labels, cam.preprocess.

    Returns:
        The path, and what came out of the comparison.

    Raises:
        ModelError: it cannot be read or converted, or computes something else.
        MissingExtraError: Keras, TensorFlow or tf2onnx is not installed.
    """
    require("keras", "tensorflow", "tf2onnx")
    import onnx
    import tensorflow as tf
    import tf2onnx

    name, known, function, specs, tensors = _opened(source)
    signature = [specs[n] for n in specs]
    feeds = _feeds(specs, example) if verify else []

    def write(file: Path) -> None:
        try:
            with quiet(), _inlined():
                traced = tf.function(function, input_signature=signature)
                made, _ = tf2onnx.convert.from_function(
                    traced, input_signature=signature, opset=OPSET if opset is None else opset
                )
                hold(made, traced.get_concrete_function())
                spell_erfc(made)
            onnx.save(made, str(file))
        except Exception as error:  # whatever tf2onnx does not know
            raise ModelError(f"'{name}': tf2onnx failed: {first_line(error)}") from error

    def seen(feed: Feed) -> Seen:
        return _seen(function, tensors, [tf.constant(feed[n]) for n in specs])

    told = {"source": name, "sha256": known, "converter": tf2onnx_version()}
    return finish(path, write, seen, feeds, told=told, force=force, metadata=metadata)


def opened(source: Any) -> Any:
    """What a model or a file takes, and its run."""
    import tensorflow as tf

    _, _, function, specs, tensors = _opened(source)
    shapes = {n: (list(s.shape), np.dtype(s.dtype.as_numpy_dtype)) for n, s in specs.items()}
    return shapes, lambda feed: _seen(function, tensors, [tf.constant(feed[n]) for n in specs])


def _seen(function: Any, tensors: Any, given: list[Any]) -> Seen:
    found = {str(name): np.array(t) for name, t in function(*given).items()}
    return Seen(found, lambda: tensors(given))


@contextmanager
def _inlined() -> Iterator[None]:
    """Functions within functions are traced as part of these: tf2onnx leaves XLA's as they are."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _opened(source: Any) -> Any:
    """(name, sha256, function of tensors -> outputs by name, their specs, tensors to compare)."""
    if not isinstance(source, str | os.PathLike):
        return (getattr(source, "name", "model"), "", *_of_model(source))
    file = Path(source)
    if file.is_dir():
        return (file.name, hash_of(file), *_of_saved(file))
    import keras

    try:
        with quiet():
            model = keras.models.load_model(str(file), compile=False)
    except Exception as error:  # whatever is in the file
        raise ModelError(f"Keras cannot read '{file}': {first_line(error)}") from error
    return (file.name, hash_of(file), *_of_model(model))


def _of_model(model: Any) -> Any:
    import keras
    import tensorflow as tf

    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise InputError(f"a {type(model).__name__} is no Keras model with declared inputs")
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Keras runs on {keras.backend.backend()}, and tf2onnx reads TensorFlow: save the "
            "model, and convert the .keras file with KERAS_BACKEND=tensorflow"
        )
    specs = {t.name: tf.TensorSpec(t.shape, t.dtype, t.name) for t in model.inputs}

    def function(*given: Any) -> dict[str, Any]:
        result = model(given[0] if len(given) == 1 else list(given), training=False)
        if isinstance(result, Mapping):
            return {str(name): t for name, t in result.items()}
        values = result if isinstance(result, tuple | list) else [result]
        return dict(zip(model.output_names, values, strict=True))

    def tensors(given: list[Any]) -> dict[str, Array]:
        parts = [layer for layer in model.layers if not isinstance(layer.output, tuple | list)]
        inner = keras.Model(model.inputs, [layer.output for layer in parts])
        result = inner(given[0] if len(given) == 1 else given, training=False)
        values = result if isinstance(result, tuple | list) else [result]
        return {p.name: np.array(t) for p, t in zip(parts, values, strict=True)}

    return function, specs, tensors


def _of_saved(folder: Path) -> Any:
    import tensorflow as tf

    try:
        with quiet():
            loaded = tf.saved_model.load(str(folder))
        called = loaded.signatures["serving_default"]
    except Exception as error:  # whatever is in the folder
        raise ModelError(
            f"'{folder}' is no SavedModel with a serving_default: {first_line(error)}"
        ) from error
    specs = dict(called.structured_input_signature[1])
    function: Any = lambda *given: called(**dict(zip(specs, given, strict=True)))  # noqa: E731
    function.held = loaded
    return function, specs, lambda given: {}


def _feeds(specs: Mapping[str, Any], example: Mapping[str, Array] | Array | None) -> list[Feed]:
    if example is not None:
        given = example if isinstance(example, Mapping) else {next(iter(specs)): example}
        return [{n: np.asarray(given[n], spec.dtype.as_numpy_dtype) for n, spec in specs.items()}]
    shapes = {n: (list(s.shape), np.dtype(s.dtype.as_numpy_dtype)) for n, s in specs.items()}
    return [made_up(shapes, rows) for rows in (1, 3)]
