"""A Keras model, live or in a file, as a backend."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cam_core.backend import Array, InputInfo, Inputs
from cam_core.errors import InputError, MissingExtraError, ModelError
from cam_core.maps.layout import Layout

from ..live.engine import Outcome, Run, Tap
from ..live.heads import Ends
from ..live.layout import layout_of
from ..live.model import Change, Live
from ..live.tapped import TappedBackend, colours
from .engines import engine
from .hooks import Closed, hooked, layers_of

STATISTICS = ("moving_mean", "moving_variance", "seed_generator_state", "normalizer")
"""Variables that are no weights, by the end of their path."""
LONGEST = 200


def open_in_keras(
    source: Any,
    *,
    example: Inputs | None = None,
    layer: str | None = None,
    score: str | None = None,
    layout: Layout | str | Mapping[str, Layout | str] | None = None,
) -> TappedBackend:
    """A Keras 3 model on whatever Keras runs on here: TensorFlow, JAX or torch.

    Args:
        source: a `keras.Model`, or a file: `.keras`, or the older `.h5`.
        example: one input as `look` takes it; made up where the model fixes its shape.
        layer: the layer taken when none is named, by its name, in a model within a model
            `backbone.conv5`; found in the first input seen if None.
        score: an output's name, or a layer whose output is the score. None takes the first output,
            before a closing softmax or sigmoid.
        layout: of every layer, or by layer. None: as the layer's `data_format` says.

    Raises:
        InputError: it is no Keras model.
        ModelError: the file cannot be read, or Keras runs on NumPy.
        MissingExtraError: Keras, or what it runs on, is not installed.
    """
    keras = _keras()
    model = _loaded(keras, source) if isinstance(source, str | os.PathLike) else source
    if not isinstance(model, keras.Model):
        raise InputError(f"a {type(model).__module__}.{type(model).__name__} is no Keras model")
    infos = _infos(model)
    names = tuple(i.name for i in infos) or ("x",)
    given = _made_up(infos) if example is None else example
    parts = layers_of(model)
    last = keras.config.image_data_format() == "channels_last"
    return TappedBackend(
        Live(
            *(str(model.name), engine(), running(model, names)),
            *(
                names,
                _layouts(parts, layout, last),
                lambda change: _changed(keras, model, names, change),
            ),
            infos=infos,
            example=given,
            layer=layer,
            score=score,
            channels_last=last,
        )
    )


def running(model: Any, names: tuple[str, ...]) -> Run:
    """The model as for inference, with its layers as points."""
    parts = layers_of(model)

    def run(feed: Mapping[str, Any], tap: Tap) -> Outcome:
        tensors = [feed[name] for name in names]
        with hooked(parts, tap) as closed:
            result = model(tensors[0] if len(tensors) == 1 else tensors, training=False)
        return _outcome(_named(model, result), closed)

    return run


def _outcome(named: dict[str, Any], closed: list[Closed]) -> Outcome:
    """The score is the first output, before its closing activation."""
    name, y = next(iter(named.items()))
    shapes = {key: tuple(t.shape) for key, t in named.items()}
    ends = [end for end in closed if end.made is y]
    if not ends:
        return Outcome(y, named, Ends(name, shapes))
    return Outcome(ends[-1].given, named, Ends(name, shapes, ends[-1].kind, ends[-1].axis))


def _named(model: Any, result: Any) -> dict[str, Any]:
    if isinstance(result, Mapping):
        return {str(name): t for name, t in result.items()}
    values = list(result) if isinstance(result, tuple | list) else [result]
    known = list(getattr(model, "output_names", None) or [])
    if len(known) != len(values) or len(set(known)) != len(known):
        known = ["output", *(f"output_{i}" for i in range(1, len(values)))]
    return dict(zip(known, values, strict=True))


def _infos(model: Any) -> tuple[InputInfo, ...]:
    """What a functional model says that it takes; () of one that is only code."""
    try:
        tensors = model.inputs
    except (AttributeError, ValueError):
        return ()
    return tuple(
        InputInfo(t.name, tuple(t.shape), np.dtype(t.dtype), colours(t.shape))
        for t in tensors or ()
    )


def _made_up(infos: tuple[InputInfo, ...]) -> Inputs | None:
    """One row of noise, where all shapes are fixed."""
    rng = np.random.default_rng(0)
    found: dict[str, Array] = {}
    for info in infos:
        shape = (1, *info.shape[1:])
        if not all(isinstance(extent, int) for extent in shape):
            return None
        found[info.name] = rng.random([int(str(n)) for n in shape]).astype(info.dtype)
    return found or None


def _layouts(
    parts: Mapping[str, Any], layout: Layout | str | Mapping[str, Layout | str] | None, last: bool
) -> Callable[[str, tuple[int, ...]], Layout]:
    def at(path: str, shape: tuple[int, ...]) -> Layout:
        own = layout.get(path) if isinstance(layout, Mapping) else layout
        if own is not None:
            return Layout.parse(own) if isinstance(own, str) else own
        said = getattr(parts.get(path), "data_format", None)
        channels_last = last if said is None else said == "channels_last"
        if len(shape) == 3 and channels_last and "1D" in type(parts.get(path)).__name__:
            return Layout("NLC")
        return layout_of(shape, len(shape) - 1 if channels_last else 1)

    return at


def _changed(keras: Any, model: Any, names: tuple[str, ...], change: Change) -> Run:
    """A copy whose weights are changed, in the order of its layers; statistics stay."""
    try:
        copy = keras.models.clone_model(model)
        for mine, own in zip(copy.weights, model.weights, strict=True):
            mine.assign(own.value)
    except Exception as error:  # a model of code alone says in many ways that it has no config
        raise ModelError(
            f"'{model.name}' cannot be copied by keras.models.clone_model: {_line(error)}"
        ) from error
    for variable in copy.weights:
        if not variable.path.endswith(STATISTICS):
            own = keras.ops.convert_to_numpy(variable.value)
            variable.assign(np.array(change(variable.path, own)))
    return running(copy, names)


def _loaded(keras: Any, path: str | os.PathLike[str]) -> Any:
    try:
        return keras.models.load_model(os.fspath(path), compile=False)
    except Exception as error:  # whatever is in the file
        raise ModelError(f"Keras cannot read '{os.fspath(path)}': {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:LONGEST].rstrip(" .") or type(error).__name__


def _keras() -> Any:
    try:
        import keras
    except ImportError as error:
        missing = (error.name or "keras").partition(".")[0]
        cure = "pip install 'cam-core[keras]'"
        if missing != "keras":
            cure = f"{cure}, or set KERAS_BACKEND to jax or torch where one of these is installed"
        raise MissingExtraError(f"{missing} is not installed: {cure}") from error
    return keras
