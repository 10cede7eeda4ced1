"""What is known of a backend's score when a question is read, and what a look shows to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .backend import Array, Backend, Inputs, Look
from .errors import InputError
from .head import head_of
from .targets import Asking, Placed, Seen


def asking_of(
    backend: object, labels: Sequence[str] | None = None, *, class_axis: int | None = None
) -> Asking:
    """What is known of a backend's score when a question is read."""
    return Asking(labels, find_class_axis(backend, class_axis), head_of(backend))


def find_class_axis(backend: Any, asked: int | None) -> int:
    """Where the classes are in a score: as asked, else as the backend says.

    Raises:
        InputError: it is no backend.
    """
    if not hasattr(backend, "look"):
        kind = type(backend).__name__
        raise InputError(f"a {kind} is no backend: explain(open_backend(model), x) opens the model")
    axis: int = backend.class_axis if asked is None else asked
    return axis


def seen_by(
    backend: Backend,
    x: Inputs,
    look: Look,
    labels: Sequence[str] | None = None,
    *,
    class_axis: int | None = None,
    placement: Placed | None = None,
) -> Seen:
    """What a look shows to the targets that wait for it.

    What a backend takes is asked for boxes and places alone: a live module may not know it.
    """
    asking = asking_of(backend, labels, class_axis=class_axis)
    head = asking.head
    size = None if head is None or head.boxes is None else picture_size(backend, x)
    shapes = {} if head is None or head.places is None else fed_shapes(backend, x)
    return Seen(
        look.score,
        look.outputs,
        asking,
        size,
        shapes,
        inputs=fed(x),
        metadata=getattr(backend, "metadata", {}),
        placement=placement,
        tensor=_numbers(backend, x),
    )


def _numbers(backend: Backend, x: Inputs) -> Callable[[str], Array] | None:
    """What gives the numbers of a tensor, by one more forward pass."""
    scored = getattr(backend, "scored", None)
    return None if scored is None else lambda name: scored(name).look(x, layers=()).score


def fed(x: Inputs) -> dict[str, Array]:
    """What the model was fed, by name; a single array by none."""
    given = x if isinstance(x, Mapping) else {"": x}
    return {name: np.asarray(array) for name, array in given.items()}


def fed_shapes(backend: object, x: Inputs) -> dict[str, tuple[int, ...]]:
    """The shapes of what is fed, by input; {} of a backend that does not name its inputs."""
    if isinstance(x, Mapping):
        return {name: np.shape(array) for name, array in x.items()}
    asked = getattr(backend, "inputs", None)
    return {info.name: np.shape(x) for info in (() if asked is None else asked()[:1])}


def picture_size(backend: object, x: Inputs) -> tuple[int, int] | None:
    """Height and width of the first input that is a picture; None where there is none."""
    asked = getattr(backend, "inputs", None)
    for info in () if asked is None else asked():
        array = x.get(info.name) if isinstance(x, Mapping) else x
        shape = () if array is None else np.shape(array)
        if len(shape) == 4 or (len(shape) == 3 and info.alone):
            channels = info.channel_axis
            last = channels is not None and channels % len(shape) == len(shape) - 1
            height, width = shape[-3:-1] if last else shape[-2:]
            return int(height), int(width)
    return None
