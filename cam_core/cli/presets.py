"""What a model makes of one input, and of a photo under each preset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cam_core.backend import Backend
from cam_core.errors import InputError
from cam_core.head import heads_of, probability_of
from cam_core.image import PRESETS
from cam_core.targets.scores import pool

from .inputs.opened import Setup
from .inputs.samples import Slot
from .naming import Top, best


@dataclass(frozen=True)
class Trial:
    """One preprocessing and the likeliest classes it leads to."""

    preset: str
    description: str
    top: Top
    """Empty where the preset does not fit the model, or the score has no classes to rank."""


def likeliest(backend: Backend, x: Any, names: Sequence[str] | None) -> Top:
    """The five best classes of one input; none of a dense score, or of what are no classes."""
    if not all(head.ranked for head in heads_of(backend)[:1]):
        return ()
    axis = backend.class_axis
    y = backend.look(x, layers=()).score
    pooled = pool(y, axis)
    return () if pooled.size != y.size else best(pooled[0], probability_of(backend), names)


def trials(setup: Setup, slot: Slot) -> list[Trial]:
    """Every preset on one photo."""
    found = []
    for name, spec in PRESETS.items():
        try:
            sample = replace(setup.reader, spec=spec).open(slot)
        except InputError as error:
            found.append(Trial(name, str(error), ()))
            continue
        top = likeliest(setup.backend, sample.x, setup.names)
        found.append(Trial(name, sample.description, top))
    return found
