"""Both models, opened: what they are fed, their labels and classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cam_core.backend import Backend
from cam_core.compare.classes import read_classes
from cam_core.compare.opening import open_side
from cam_core.compare.run import bring_together
from cam_core.compare.sides import Sides
from cam_core.errors import InputError, ModelError
from cam_core.factory import is_factory
from cam_core.sources import Sources

from ..inputs.given_files import find_files
from ..inputs.opened import Setup
from ..inputs.opened import bring_together as set_up
from ..typed import flag, opening, pieces
from .asked import Compare
from .feeding import Feeding, feeding


@dataclass(frozen=True)
class Opened:
    """Ready to run."""

    sides: Sides
    feeding: Feeding

    @property
    def said(self) -> list[str]:
        """What is said before any number."""
        return [text for text in (self.feeding.said, self.sides.classes.said) if text]


def open_both(asked: Compare) -> Opened:
    """The models, and the photos.

    Raises:
        CamError: they cannot be compared, with the reason.
    """
    if asked.model is None or asked.other is None:
        raise InputError("compare takes two models and photos: gradcam compare A B IMAGES...")
    if len(asked.targets) > 1:
        raise InputError("compare takes one --target: run it again for another")
    images = find_files(asked.images)
    a, b = _backends(asked, asked.model, asked.other)
    setups = _setup(a, asked.model, asked, images), _setup(b, asked.other, _of_b(asked), images)
    fed = feeding(*setups, own=asked.own_preprocessing, seed=asked.seed)
    first = fed.photo(0)
    names = setups[0].names, setups[1].names
    given = None if asked.map_classes is None else read_classes(asked.map_classes, names)
    sides = bring_together(
        *(a, b),
        (first.a, first.b),
        layers=None if asked.layer is None else [asked.layer],
        layers_b=None if asked.layer_b is None else [asked.layer_b],
        labels=names,
        classes=given,
        target=next(iter(asked.targets), None),
        method=asked.method,
        seed=asked.seed,
        threshold=asked.threshold,
    )
    return Opened(sides, fed)


def _backends(asked: Compare, model: str, other: str) -> tuple[Backend, Backend]:
    """Files first: they say what the modules take that cannot say it themselves."""
    ours, theirs = opening(asked), opening(_of_b(asked))
    if is_factory(model) and not is_factory(other):
        b = open_side(other, **theirs)
        return open_side(model, b.inputs(), **ours), b
    a = open_side(model, **ours)
    return a, open_side(other, a.inputs(), **theirs)


def _of_b(asked: Compare) -> Compare:
    """The same for B: its layer is another's name, its labels may be others."""
    layer = None if asked.layer_b == "default" else asked.layer_b
    labels = asked.labels_file if asked.labels_b is None else asked.labels_b
    found = replace(asked, layer=layer, labels_file=labels)
    # the flags about pixels are about A's then
    return replace(found, preprocess=None, order=()) if asked.own_preprocessing else found


def _setup(backend: Backend, model: str, asked: Compare, images: Sequence[Path]) -> Setup:
    beside = model
    if is_factory(model):  # what lies beside the other model is said of it, too
        others = [one for one in (asked.model, asked.other) if one and not is_factory(one)]
        beside = next(iter(others), model)
    given: dict[str, Any] = pieces(asked)
    found = set_up(backend, Sources.of(backend, beside, flag), asked, images, given)
    if not found.slots:
        raise ModelError("nothing to compare: name photos")
    return found
