"""What goes over any backend's `look`: its captures, and the checks that every look makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .backend import Array, Backend, Capture, Gradients, Inputs, Look, Target
from .errors import InputError, LayerError, TargetError


def capture(
    backend: Backend,
    x: Inputs,
    target: Target,
    *,
    layers: Sequence[Any] | None = None,
    input_gradients: bool = False,
) -> list[Capture]:
    """A and G at each layer (None: the default layer), all from one forward pass."""
    return next(captures(backend, x, [target], layers=layers, input_gradients=input_gradients))


def captures(
    backend: Backend,
    x: Inputs,
    targets: Iterable[Target],
    *,
    layers: Sequence[Any] | None = None,
    input_gradients: bool = False,
) -> Iterator[list[Capture]]:
    """`capture` of one target after another, all from one forward pass, run here and now.

    Each target costs one backward pass, run when it is asked for. What the forward pass made is
    held until the iterator goes.
    """
    look = backend.look(x, layers=layers, inputs=None if input_gradients else ())
    return (pulled(look, target, input_gradients) for target in targets)


def pulled(look: Look, target: Target, input_gradients: bool = False) -> list[Capture]:
    """A and G at each layer of a look, by one backward pass."""
    return captures_of(look, look.pull(target), input_gradients)


def captures_of(look: Look, G: Gradients, input_gradients: bool = False) -> list[Capture]:
    """A and G at each layer of a look that was pulled."""
    return [
        Capture(
            layer=name,
            logits=look.score,
            activations=look.activations[name],
            gradients=G.layers[name],
            input_gradients=G.inputs if input_gradients else None,
            within=G.within.get(name),
            outputs=look.outputs,
            region=look.regions.get(name),
        )
        for name in look.layers
    ]


def cotangent(look: Look, target: Target) -> Array:
    """dY/dy of a target, of the score's shape and type.

    Raises:
        TargetError: the target gives another shape.
    """
    found = np.asarray(target(look.score, look.outputs), look.score.dtype)
    if found.shape != look.score.shape:
        raise TargetError(
            f"the target gives a cotangent {list(found.shape)} for a score {list(look.score.shape)}"
        )
    return found


def blocks(layer: str, A: Array, like: Array) -> int:
    """How many times the rows of a layer's activations `like` A has.

    Raises:
        LayerError: not a whole number, or maps of another shape.
    """
    count = len(A) // len(like) if A.ndim and len(like) else 1
    if not count or A.shape != (count * len(like), *like.shape[1:]):
        raise LayerError(
            f"layer '{layer}' takes activations {list(like.shape)}, or a multiple of these rows; "
            f"A gives {list(A.shape)}"
        )
    return count


def with_gradient(known: Mapping[str, bool], asked: Sequence[str] | None) -> list[str]:
    """The inputs whose gradients are wanted; None: all that have one.

    Args:
        known: by the name of each input, does a derivative arrive there?
        asked: names.

    Raises:
        InputError: an unknown one, or one that has no gradient.
    """
    if asked is None:
        return [name for name, reached in known.items() if reached]
    for name in asked:
        if name not in known:
            raise InputError(f"no input '{name}'; the model takes {', '.join(known)}")
        if not known[name]:
            raise InputError(f"input '{name}' has no gradient: integers, or not read by the score")
    return list(asked)
