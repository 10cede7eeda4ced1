"""From a source (a file, a live model) to the backend that claims it.

Built-in backends and converters stand here as strings, so that naming one imports nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from .backend import Backend
from .errors import CamError, MissingExtraError, ModelError

BACKENDS = {"onnx": "backends.onnx:OnnxBackend", "torch": "backends.torch:TorchBackend"}
"""A class each, with `claims(source) -> bool`; the group cam_core.backends adds more."""

CONVERTERS = {"torch": "converters.torch:to_onnx"}
"""A function each; the group cam_core.converters adds more."""

ROOTS = {"onnx": {"onnx", "onnx_graphsurgeon"}, "torch": {"torch"}}
"""The packages whose live objects a built-in backend may claim. Only then it is imported: a file
never loads torch, and a torch module never loads onnx."""


def open_backend(source: Any, *, backend: str | None = None, **options: Any) -> Backend:
    """The model behind a source, ready to be explained.

    Args:
        source: a path or the bytes of an .onnx file, a ModelProto, a torch.nn.Module, or whatever
            an installed backend claims.
        backend: its name, where no guess is wanted.
        options: for the backend.
    """
    if isinstance(source, str | os.PathLike) and not Path(source).exists():
        raise ModelError(f"no such file: '{os.fspath(source)}'")
    for name, spec in _candidates(source, backend):
        cls = _load(spec, name)
        if backend is not None or cls.claims(source):
            opened: Backend = cls(source, **options)
            return opened
    raise _unclaimed(source)


def find_converter(name: str) -> Callable[..., Any]:
    """The function of one framework that writes an .onnx file."""
    known = CONVERTERS | entry_points("cam_core.converters")
    if name not in known:
        raise CamError(f"no converter '{name}'; there are {', '.join(known)}")
    converter: Callable[..., Any] = _load(known[name], name)
    return converter


def entry_points(group: str) -> dict[str, str]:
    """What installed packages add: name -> "module:attribute"."""
    from importlib import metadata

    return {point.name: point.value for point in metadata.entry_points(group=group)}


def _candidates(source: Any, backend: str | None) -> Iterator[tuple[str, str]]:
    """Backends worth asking: the built-in ones by the kind of source, then third parties."""
    if backend is not None:
        known = BACKENDS | entry_points("cam_core.backends")
        if backend not in known:
            raise CamError(f"no backend '{backend}'; there are {', '.join(known)}")
        yield backend, known[backend]
        return
    is_file = isinstance(source, str | os.PathLike | bytes | bytearray | memoryview)
    made_in = {cls.__module__.partition(".")[0] for cls in type(source).__mro__}
    for name, spec in BACKENDS.items():
        if made_in & ROOTS[name] or (is_file and name == "onnx"):
            yield name, spec
    yield from entry_points("cam_core.backends").items()


def _load(spec: str, name: str) -> Any:
    module, _, attribute = spec.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == module.partition(".")[0]:
            raise
        raise MissingExtraError(
            f"'{name}' needs {missing}, which is not installed: pip install 'cam-core[{name}]'"
        ) from error


def _unclaimed(source: Any) -> CamError:
    if isinstance(source, str | os.PathLike):
        return ModelError(
            f"'{os.fspath(source)}' is not a model that a backend here reads "
            f"({', '.join(BACKENDS)}): export it to .onnx first"
        )
    kind = type(source)
    return CamError(
        f"no backend explains a {kind.__module__}.{kind.__qualname__}: give an .onnx file, "
        "or install the backend of its framework"
    )
