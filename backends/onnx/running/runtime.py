"""onnxruntime, quietly: the providers that really load, runs with errors in one line."""

from __future__ import annotations

import ctypes
import functools
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cam_core.errors import CamError, InputError, MissingExtraError

NOISE = (
    re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : "),
    re.compile(r"Load model from .*? failed:"),
    re.compile(r"/onnxruntime_src/\S+ .*?\) (?=[A-Z])"),
    re.compile(r"/onnxruntime_src/\S+ "),
)
CURES = {
    "IR version": "; save it with the older `model.ir_version`, or update onnxruntime",
    "Could not find an implementation": ": none for these types here; try another --provider, or "
    "convert the model to float32",
    "opset": "; export it with an older opset, or update onnxruntime",
}
"""Said after a complaint that holds the word."""
LIBRARIES = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "tensorrt"}
"""Providers that every wheel lists whether or not their own libraries are installed."""

GRAPH_CAPTURE = ("enable_cuda_graph", "trt_cuda_graph_enable")
"""Options of providers that record one run and replay it on the same buffers."""

Provider = str | tuple[str, Mapping[str, Any]]
"""An execution provider by its name, short or full, or with options of its own."""


def runtime() -> Any:
    """The onnxruntime module, whichever package provides it."""
    try:
        import onnxruntime
    except ImportError as error:
        if getattr(error, "name", None) != "onnxruntime":
            raise MissingExtraError(
                f"onnxruntime is installed, but does not load: {one_line(error)}; install it again"
            ) from error
        raise MissingExtraError(
            'onnxruntime is not installed: pip install "cam-core[cpu]" '
            '(or "cam-core[gpu]" on an NVIDIA machine)'
        ) from error
    return onnxruntime


def providers(asked: Sequence[Provider] | None = None) -> list[str | tuple[str, dict[str, str]]]:
    """The providers to use: those asked for, else CUDA where it loads, and the CPU.

    Raises:
        InputError: one that was asked for is not there, or does not load.
    """
    listed = runtime().get_available_providers()
    if asked is None:
        preferred = ("CUDAExecutionProvider", "CPUExecutionProvider")
        return [p for p in preferred if p in listed and loads(p)]
    found: list[str | tuple[str, dict[str, str]]] = []
    for one in asked:
        name, options = (one, None) if isinstance(one, str) else one
        provider = _full_name(name, listed)
        if provider not in listed or not loads(provider):
            usable = ", ".join(p for p in listed if loads(p))
            raise InputError(f"provider '{provider}' does not load here; usable are {usable}")
        if options is None:
            found.append(provider)
        else:
            found.append((provider, {key: _option(value) for key, value in options.items()}))
    return found


def _option(value: Any) -> str:
    return str(int(value) if isinstance(value, bool) else value)


def refuse_graph_capture(asked: Sequence[Provider] | None) -> None:
    """Refuses options under which a run would write over what an earlier one made.

    Raises:
        InputError: a provider is asked to replay a graph.
    """
    for one in asked or ():
        options = {} if isinstance(one, str) else one[1]
        for key in GRAPH_CAPTURE:
            if str(options.get(key, 0)).casefold() not in ("0", "false"):
                raise InputError(
                    f"provider option '{key}': a replayed graph needs buffers that stay where they "
                    f"are; instrument the model with static shapes and open it with "
                    f"backends.onnx.Bound"
                )


def _full_name(name: str, listed: Sequence[str]) -> str:
    """`cuda` is CUDAExecutionProvider."""
    by_short = {p.removesuffix("ExecutionProvider").casefold(): p for p in listed}
    return by_short.get(name.casefold(), name)


@functools.cache
def loads(provider: str) -> bool:
    """Does the provider's own library load? (Asking onnxruntime prints errors where not.)"""
    if provider not in LIBRARIES:
        return True
    folder = Path(runtime().__file__).parent / "capi"
    pattern = {"win32": "onnxruntime_providers_{}.dll"}.get(
        sys.platform, "libonnxruntime_providers_{}.so"
    )
    try:
        ctypes.CDLL(str(folder / pattern.format("shared")), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(folder / pattern.format(LIBRARIES[provider])))
    except OSError:
        return False
    return True


def run(session: Any, names: Sequence[str] | None, feed: dict[str, Any]) -> list[Any]:
    """Runs a session; the runtime's complaints become one line."""
    with _complaints():
        return list(session.run(names, feed))


def run_bound(session: Any, binding: Any) -> None:
    """Runs a session on what is bound."""
    with _complaints():
        session.run_with_iobinding(binding)


@contextmanager
def _complaints() -> Iterator[None]:
    try:
        yield
    except CamError:  # another runtime's, said already
        raise
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise InputError(f"onnxruntime could not run the model: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """An exception's message without codes, the runtime's own source lines and line breaks."""
    text = " ".join(str(error).split())
    for pattern in NOISE:
        text = pattern.sub("", text)
    cure = next((cure for word, cure in CURES.items() if word in text), "")
    return f"{text[:300].rstrip(' .')}{cure}"
