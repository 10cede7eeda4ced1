"""From a source (a file, a live model) to the backend that claims it.

Built-in backends and converters stand here as strings, so that naming one imports nothing.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Container, Iterator
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from .backend import Backend
from .errors import CamError, MissingExtraError, ModelError
from .factory import is_factory

BACKENDS = {
    "onnx": "backends.onnx:OnnxBackend",
    "keras": "backends.keras:open_in_keras",
    "torch": "backends.torch:TorchBackend",
    "jax": "backends.jax:open_in_jax",
    "openvino": "backends.openvino:open_in_openvino",
    "tflite": "backends.tflite:open_tflite",
    "recorded": "backends.recorded:RecordedBackend",
}
"""A class each, with `claims(source) -> bool`, or a function that opens whatever ROOTS and FILES
say; the group cam_core.backends adds more. Keras on torch is a torch module too, so it is first."""

CONVERTERS = {
    "torch": "converters.torch:to_onnx",
    "keras": "converters.keras:to_onnx",
    "tflite": "converters.tflite:to_onnx",
    "jax": "converters.jax:to_onnx",
    "quantise": "converters.quantise:to_int8",
    "check": "converters.check:check",
}
"""A function each; the group cam_core.converters adds more. `check` compares two files."""

ROOTS = {
    "onnx": {"onnx", "onnx_graphsurgeon"},
    "keras": {"keras"},
    "torch": {"torch"},
    "jax": {"flax"},
}
"""The packages whose live objects a built-in backend may claim. Only then it is imported: a file
never loads torch, and a torch module never loads onnx."""

FOLDER, BYTES = "a folder", "bytes"
FILES = {
    "onnx": {".onnx", ".ort", BYTES},
    "keras": {".keras", ".h5", ".hdf5"},
    "tflite": {".tflite"},
    "recorded": {FOLDER},
}
"""The endings of files that a built-in backend may claim; one that is not here is asked by name."""


def open_backend(source: Any, *, backend: str | None = None, **options: Any) -> Backend:
    """The model behind a source, ready to be explained.

    Args:
        source: a path or the bytes of an .onnx file, a ModelProto, a torch.nn.Module, or whatever
            an installed backend claims.
        backend: its name, where no guess is wanted.
        options: for the backend.
    """
    if isinstance(source, str | os.PathLike) and not Path(source).exists():
        raise _absent(os.fspath(source))
    for name, spec in _candidates(source, backend):
        cls = _load(spec, name)
        if backend is not None or getattr(cls, "claims", lambda _: True)(source):
            opened: Backend = cls(source, **_taken(cls, name, options))
            return opened
    raise _unclaimed(source)


def _taken(cls: Any, name: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options that a backend takes; `size` is but a hint, for photos are made to that too.

    Raises:
        CamError: it does not take another.
    """
    known = inspect.signature(cls).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        return options
    strange = [option for option in options if option not in known and option != "size"]
    if strange:
        raise CamError(f"the backend '{name}' takes no '{strange[0]}'; leave it out")
    return {option: value for option, value in options.items() if option in known}


def find_converter(name: str) -> Callable[..., Any]:
    """The function of one framework that writes an .onnx file."""
    known = CONVERTERS | third_party("cam_core.converters", CONVERTERS)
    if name not in known:
        raise CamError(f"no converter '{name}'; there are {', '.join(known)}")
    converter: Callable[..., Any] = _load(known[name], name)
    return converter


def third_party(group: str, own: Container[str]) -> dict[str, str]:
    """What installed packages add: name -> "module:attribute"; our `own` cannot be taken over."""
    from importlib import metadata

    found = metadata.entry_points(group=group)
    return {point.name: point.value for point in found if point.name not in own}


def _candidates(source: Any, backend: str | None) -> Iterator[tuple[str, str]]:
    """Backends worth asking: the built-in ones by the kind of source, then third parties."""
    if backend is not None:
        known = BACKENDS | third_party("cam_core.backends", BACKENDS)
        if backend not in known:
            raise CamError(f"no backend '{backend}'; there are {', '.join(known)}")
        yield backend, known[backend]
        return
    made_in = {cls.__module__.partition(".")[0] for cls in type(source).__mro__}
    for name, spec in BACKENDS.items():
        if made_in & ROOTS.get(name, set()) or _ending(source) in FILES.get(name, ()):
            yield name, spec
    yield from third_party("cam_core.backends", BACKENDS).items()


def _ending(source: Any) -> str:
    """What FILES knows a file, a folder or the bytes of a file by; '' of a live object."""
    if isinstance(source, bytes | bytearray | memoryview):
        return BYTES
    if not isinstance(source, str | os.PathLike):
        return ""
    return FOLDER if Path(source).is_dir() else Path(source).suffix.lower()


def _load(spec: str, name: str) -> Any:
    module, _, attribute = spec.partition(":")
    try:
        return attrgetter(attribute)(import_module(module))
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == module.partition(".")[0]:
            raise
        package = f"'cam-core[{name}]'" if name in BACKENDS | CONVERTERS else missing
        raise MissingExtraError(
            f"'{name}' needs {missing}, which is not installed: pip install {package}"
        ) from error


def _absent(source: str) -> ModelError:
    if is_factory(source):
        return ModelError(
            f"no such file: '{source}'; a function that makes a model is for compare, doctor, "
            "record, audit and convert"
        )
    return ModelError(f"no such file: '{source}'; check the path")


def _unclaimed(source: Any) -> CamError:
    if isinstance(source, str | os.PathLike):
        if (Path(source) / "saved_model.pb").exists():
            return ModelError(
                f"'{os.fspath(source)}' is a SavedModel: `gradcam convert {os.fspath(source)} -o "
                "model.onnx` writes it as a file that is read"
            )
        if Path(source).is_dir():
            return ModelError(f"'{os.fspath(source)}' is a folder; give the model file in it")
        return ModelError(
            f"'{os.fspath(source)}' is not a model that a backend here reads "
            f"({', '.join(BACKENDS)}): export it to .onnx first"
        )
    kind = type(source)
    return CamError(
        f"no backend explains a {kind.__module__}.{kind.__qualname__}: give an .onnx file, "
        "or install the backend of its framework"
    )
