"""Models that a function makes: `package.module:factory`, as a source."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from .errors import CamError, ModelError

FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
"""What names a function that makes a model."""
MODELS = {"torch", "keras", "flax"}
"""The packages whose models can be called as well, and are no functions that make one."""


def is_factory(source: str) -> bool:
    """Is it `package.module:factory`, and no file?"""
    return FACTORY.fullmatch(source) is not None and not Path(source).exists()


def made(source: str) -> tuple[Any, Any]:
    """(model, example of its input or None) of `package.module:factory`.

    The factory gives a model or a pair of both, or is itself a model. Its module may lie in the
    current folder.

    Raises:
        ModelError: no such module, or no such function in it, or what it raises.
    """
    module, _, name = source.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # it stays: a model may import when it is called
    try:
        found = attrgetter(name)(import_module(module))
    except ImportError as error:
        gone = isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]
        where = "; it is neither in this folder nor installed" if gone else ""
        raise ModelError(f"'{source}': {_line(error)}{where}") from error
    except AttributeError as error:
        if module in sys.modules:
            raise ModelError(f"'{source}': module '{module}' has no '{name}'") from error
        raise _failed(source, error) from error
    except Exception as error:  # code of the user's own
        raise _failed(source, error) from error
    try:
        result = found() if callable(found) and not (packages_of(found) & MODELS) else found
    except CamError:
        raise
    except Exception as error:
        raise _failed(source, error) from error
    return result if isinstance(result, tuple) and len(result) == 2 else (result, None)


def packages_of(value: Any) -> set[str]:
    """The packages that a live object's classes come from."""
    return {cls.__module__.partition(".")[0] for cls in type(value).__mro__}


def _failed(source: str, error: Exception) -> ModelError:
    return ModelError(f"'{source}' failed: {type(error).__name__}: {_line(error)}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
