"""Brings two models together: which layer and which class of B is which of A."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..asking import find_class_axis
from ..backend import Array, Backend, Inputs
from ..errors import InputError, LayerError
from ..head import head_of
from ..methods import with_options
from .classes import ClassMap, Names, match_classes
from .layers import BY_DEFAULT, Matched, match_layers
from .recordings import Recording, recording_of, told
from .sides import Sides

SAID, ASKED, UNSAID = "what the recording says", "what was asked", "no name"
RECORDED = "the recorded map"
DENSE = "dense classes"
"""The kind of a head that gives classes place by place."""


def bring_together(
    a: Backend,
    b: Backend,
    first: tuple[Inputs, Inputs],
    *,
    layers: Sequence[str] | None = None,
    layers_b: Sequence[str] | None = None,
    labels: tuple[Names, Names] = (None, None),
    classes: ClassMap | None = None,
    method: str | None = None,
    **asked: Any,
) -> Sides:
    """Match layers and classes on the first photo.

    Of a recording the layer and the method are those that it says, as far as the model has them.

    Raises:
        LayerError: no layer of B is that of A, or a layer of a recording is asked for.
        InputError: one is a detector alone, or they have other numbers of classes and nothing
            says which is which.
    """
    _refuse_kinds(a, b, asked.get("target"))
    recordings = recording_of(a), recording_of(b)
    known = [one for one in recordings if one is not None]
    if known:
        matched = _recorded((a, b), recordings, first, (layers, layers_b))
        method = _method(told(known[0], "cam.method")) if method is None else method
    else:
        matched = match_layers(a, b, first, layers, layers_b)
    counts = _count(a, first[0]), _count(b, first[1])
    found = match_classes(counts, labels, classes)
    return Sides(a, b, matched, found, labels, method=method, **asked)


def _refuse_kinds(a: Backend, b: Backend, target: str | None) -> None:
    """Boxes and something else are answers to two questions, regions and classes are unless a class
    is asked for."""
    kinds = ["unknown" if (head := head_of(one)) is None else head.asked for one in (a, b)]
    if "unknown" not in kinds and kinds[0] != kinds[1] and "boxes" in kinds:
        raise InputError(
            f"A gives {kinds[0]}, B {kinds[1]}: compare takes two models that answer one question"
        )
    if "unknown" not in kinds and target is None and kinds[0] == DENSE != kinds[1]:
        raise InputError(
            f"A gives {kinds[0]}, of which a region is explained, and B {kinds[1]}: name a class "
            "with --target"
        )


def _method(said: str) -> str | None:
    """The method of a recording, with its options; None of one that nobody knows here."""
    try:
        return with_options(said)[0]
    except InputError:
        return None


def _recorded(
    models: tuple[Backend, Backend],
    recordings: tuple[Recording | None, Recording | None],
    first: tuple[Inputs, Inputs],
    asked: tuple[Sequence[str] | None, Sequence[str] | None],
) -> list[Matched]:
    """Where the model is looked at, and where the recording says that it was."""
    for one, layers, flag in zip(recordings, asked, ("--layer", "--layer-b"), strict=True):
        if one is not None and layers is not None:
            raise LayerError(
                f"{flag} {layers[0]}: '{one.folder}' is a recording, which has no layers; name "
                "the layer of the other side"
            )
    said = ["" if one is None else told(one, "cam.layer") for one in recordings]
    names = [
        name or RECORDED if one is not None else _layer(model, x, layers, "".join(said))
        for model, one, x, layers, name in zip(models, recordings, first, asked, said, strict=True)
    ]
    return [Matched(names[0], names[1], _how(recordings, names, said, asked), float("nan"))]


def _how(
    recordings: Sequence[Recording | None],
    names: Sequence[str],
    said: Sequence[str],
    asked: Sequence[Sequence[str] | None],
) -> str:
    """How one knows that it is one layer."""
    if all(one is not None for one in recordings):
        return SAID if any(said) else UNSAID
    if any(layers is not None and list(layers) != ["default"] for layers in asked):
        return ASKED
    return SAID if names[0] == names[1] else BY_DEFAULT


def _layer(model: Backend, x: Inputs, asked: Sequence[str] | None, said: str) -> str:
    """That which is asked for, else the one that was recorded, else the default one."""
    own = None if asked is None or list(asked) == ["default"] else list(asked)
    for layers in [own] if own or not said else [[said], None]:
        try:
            return str(model.look(x, layers=layers).layers[0])
        except LayerError:
            if layers in (own, None):
                raise
    raise AssertionError(said)


def _count(backend: Backend, x: Inputs) -> int:
    """How many classes: as the model fixes it, else as one photo shows it."""
    if backend.classes is not None:
        return backend.classes
    recording = recording_of(backend)
    y: Array
    if recording is None:
        y = backend.look(x, layers=()).score
    else:
        y = next(iter(recording.pictures.values())).logits
    axis = find_class_axis(backend, None)
    return 1 if np.ndim(y) == 1 else int(y.shape[axis])
