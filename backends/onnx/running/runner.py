"""How models are run: one value that says it all, handed on to whoever opens a session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from cam_core.errors import InputError, ModelError

from ..reading.static import with_open_borders
from .borders import with_single_borders
from .runtime import Provider, one_line, providers, runtime

Opener = Callable[[onnx.ModelProto, Path | None], Any]
"""(a model, the folder of its external weights) -> a session, with what is used of onnxruntime's:
get_inputs, get_outputs, get_providers and run, of arrays; it says so by `takes_arrays = True`."""


@dataclass(frozen=True)
class Runner:
    """Opens sessions."""

    providers: Sequence[Provider] | None = None
    """Execution providers, short names allowed, with options where wanted; found if None."""
    optimization: str = "all"
    """How far the runtime may rewrite a model: all, extended, basic or disabled."""
    custom_ops: Sequence[str] = ()
    """Libraries of custom operators."""
    folder: Path | None = None
    """Where external weights lie."""
    threads: int | None = None
    """Of one operator; onnxruntime's own choice if None."""
    opener: Opener | None = None
    """What opens the sessions, where it is not onnxruntime."""

    @property
    def asked(self) -> dict[str, Any]:
        """What a caller of a backend says of it."""
        said = ("providers", "optimization", "custom_ops", "threads", "opener")
        return {name: getattr(self, name) for name in said}

    def open(self, model: onnx.ModelProto) -> Any:
        """A session for `model`.

        Raises:
            ModelError: the runtime refuses the model; the message is its own first line.
            InputError: an unknown optimisation level or provider.
        """
        model = with_single_borders(with_open_borders(model))
        if self.opener is not None:
            return self.opener(model, self.folder)
        ort, options, chosen = runtime(), self._options(), providers(self.providers)
        try:
            session = ort.InferenceSession(model.SerializeToString(), options, providers=chosen)
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise ModelError(f"onnxruntime cannot load the model: {one_line(error)}") from error
        if self.providers is not None:
            _require_used(session, chosen)
        return session

    def _options(self) -> Any:
        ort = runtime()
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = _level(ort, self.optimization)
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if self.threads is not None:
            options.intra_op_num_threads = self.threads
        for library in self.custom_ops:
            _register(options, library)
        if self.folder is not None:
            options.add_session_config_entry(
                "session.model_external_initializers_file_folder_path", str(self.folder.resolve())
            )
        return options


def _require_used(session: Any, chosen: Sequence[Provider]) -> None:
    """onnxruntime goes on with the CPU where a provider finds no device."""
    used = session.get_providers()
    for one in chosen:
        name = one if isinstance(one, str) else one[0]
        if name not in used:
            raise InputError(
                f"provider '{name}' finds no device here, or a driver that is too old; "
                f"usable is {', '.join(used)}"
            )


def _register(options: Any, library: str) -> None:
    """Operators of the model's own."""
    if not Path(library).is_file():
        raise InputError(f"custom operators '{library}': no such file. Check the path.")
    try:
        options.register_custom_ops_library(str(library))
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise InputError(
            f"custom operators '{library}': not a library that onnxruntime can load "
            f"({one_line(error)})"
        ) from error


def _level(ort: Any, name: str) -> Any:
    levels = ort.GraphOptimizationLevel
    table = {
        "all": levels.ORT_ENABLE_ALL,
        "extended": levels.ORT_ENABLE_EXTENDED,
        "basic": levels.ORT_ENABLE_BASIC,
        "disabled": levels.ORT_DISABLE_ALL,
    }
    if name not in table:
        raise InputError(f"no optimisation level '{name}'; there are {', '.join(table)}")
    return table[name]
