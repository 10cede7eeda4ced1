"""Flax modules as tapped functions: what each module gives is a point."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from ..live.engine import Tap


def is_flax(source: object) -> bool:
    """Is it a `flax.linen.Module`? Never imports Flax."""
    linen = sys.modules.get("flax.linen")
    return linen is not None and isinstance(source, linen.Module)


def flax_apply(module: Any) -> Callable[[Any, Any, Tap], Any]:
    """`apply(variables, x, tap)` of a module: layers are module paths, such as block.conv1.

    Modules are called as for inference: without mutable collections and random numbers.
    """

    def apply(variables: Any, x: Any, tap: Tap) -> Any:
        from flax import linen

        def interceptor(inner: Any, args: Any, kwargs: Any, context: Any) -> Any:
            result = inner(*args, **kwargs)
            path = ".".join(context.module.path)
            if context.method_name != "__call__" or not path:
                return result
            return _tapped(tap, path, result, type(context.module).__name__)

        with linen.intercept_methods(interceptor):
            if isinstance(x, Mapping):
                return module.apply(variables, **x)
            return module.apply(variables, x)

    return apply


def _tapped(tap: Tap, path: str, result: Any, kind: str) -> Any:
    """Of a tuple, as attention gives its weights too, the first array."""
    if isinstance(result, tuple) and result and hasattr(result[0], "shape"):
        return (tap(path, result[0], kind), *result[1:])
    return tap(path, result, kind) if hasattr(result, "shape") else result
