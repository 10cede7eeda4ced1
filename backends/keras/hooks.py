"""The layers of a Keras model as points, for the time of one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..live.engine import Tap

CLOSING = {"softmax": "Softmax", "log_softmax": "LogSoftmax", "sigmoid": "Sigmoid"}
"""Activations between a score and its output, by Keras' name: what the layers are called."""
ACTIVATIONS = {**CLOSING, "relu": "ReLU", "gelu": "GELU", "silu": "SiLU"}


@dataclass(frozen=True)
class Closed:
    """An activation that was applied."""

    given: Any
    """To what."""
    made: Any
    kind: str
    axis: int | None


def layers_of(model: Any) -> dict[str, Any]:
    """Every layer inside by its path: names joined by dots, models within models included.

    Of a functional model its operators too: `x + y` is a layer called add.
    """
    found: dict[str, Any] = {}

    def walk(layer: Any, prefix: str) -> None:
        for part in getattr(layer, "operations", None) or getattr(layer, "_layers", []):
            path = f"{prefix}{part.name}"
            if type(part).__name__ == "InputLayer" or any(
                known is part for known in found.values()
            ):
                continue
            inner = getattr(part, "_functional", None)
            found[path] = part
            walk(part if inner is None else inner, f"{path}.")

    walk(getattr(model, "_functional", None) or model, "")
    return found


def kind_of(layer: Any) -> str:
    """Its class; of an activation's layer the activation."""
    name = type(layer).__name__
    own = getattr(getattr(layer, "activation", None), "__name__", "")
    return ACTIVATIONS.get(own, name) if name == "Activation" else name


@contextmanager
def hooked(layers: dict[str, Any], tap: Tap) -> Iterator[list[Closed]]:
    """While it lasts, each layer hands its output through the tap; what closes is noted.

    What a layer is stays untouched: an attribute of the object stands before that of its class.
    """
    closed: list[Closed] = []
    activations: list[tuple[Any, Any]] = []
    try:
        for path, layer in layers.items():
            layer.__dict__["call"] = _tapping(layer, layer.call, path, tap, closed)
            own = layer.__dict__.get("activation")
            if getattr(own, "__name__", "") in CLOSING:
                activations.append((layer, own))
                layer.__dict__["activation"] = _noting(own, closed)
        yield closed
    finally:
        for layer in layers.values():
            layer.__dict__.pop("call", None)
        for layer, own in activations:
            layer.__dict__["activation"] = own


def _tapping(
    layer: Any, call: Callable[..., Any], path: str, tap: Tap, closed: list[Closed]
) -> Callable[..., Any]:
    kind = kind_of(layer)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        first = result[0] if isinstance(result, tuple | list) and result else result
        if not hasattr(first, "shape"):
            return result
        made = tap(path, first, kind)
        if type(layer).__name__ == "Softmax" and args:
            closed.append(Closed(args[0], made, "Softmax", getattr(layer, "axis", -1)))
        elif closed and closed[-1].made is first:
            closed[-1] = Closed(closed[-1].given, made, closed[-1].kind, closed[-1].axis)
        return made if first is result else type(result)([made, *result[1:]])

    return wrapped


def _noting(activation: Callable[..., Any], closed: list[Closed]) -> Callable[..., Any]:
    kind = CLOSING[activation.__name__]

    def noted(x: Any, *args: Any, **kwargs: Any) -> Any:
        made = activation(x, *args, **kwargs)
        closed.append(Closed(x, made, kind, None if kind == "Sigmoid" else -1))
        return made

    noted.__name__ = activation.__name__
    return noted
