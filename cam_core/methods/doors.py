"""What only some backends can tell, and the line that is said where one cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backend import Array, Backend, Inputs
from ..errors import InputError
from ..head import Reads


def head_weights(backend: Backend, layer: str, *, own: bool) -> Array:
    """The weights [C, K] of a head that is a mean over the layer's places and one product.

    Args:
        backend: the model.
        layer: whose channels are weighed.
        own: is the target about the score itself, and not another output?

    Raises:
        InputError: the backend does not know, or the target is about another output.
        LayerError: what follows the layer is something else.
    """
    read = getattr(backend, "head_weights", None)
    if read is None or not own:
        what = "that output" if read else "this backend"
        raise InputError(f"{what} does not tell the weights of its head: take gradcam")
    found: Array = read(layer)
    return found


def reads_of(backend: Backend, layer: str, *, own: bool) -> Reads:
    """How a head reads the places of a layer; '' where a backend does not know, or of no layer.

    `own`: is it the score's, and not another output's?
    """
    tell: Callable[[str], Reads] | None = getattr(backend, "head_reads", None)
    return "" if tell is None or not own or not layer else tell(layer)


def attending(backend: Backend) -> Callable[[Inputs, str], Any]:
    """What the model attends to, of x over one of its inputs.

    Raises:
        InputError: the backend does not know.
    """
    found: Callable[[Inputs, str], Any] | None = getattr(backend, "attend", None)
    if found is None:
        raise InputError("this backend sees no attention weights: open the .onnx file")
    return found


def guiding(backend: Backend) -> Callable[[], Backend]:
    """What makes the model with guided backpropagation in place of its gradient.

    Raises:
        InputError: the backend has none.
    """
    found: Callable[[], Backend] | None = getattr(backend, "as_guided", None)
    if found is None:
        raise InputError("this backend has no guided backpropagation: open the .onnx file")
    return found
