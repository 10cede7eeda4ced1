"""A model that is nothing but its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Array = np.ndarray


@dataclass
class Weights:
    """Keeps every model that is made of it."""

    held: dict[str, Array]
    made: list[Weights] = field(default_factory=list)

    def with_weights(self, change: Callable[[str, Array], Array]) -> Weights:
        found = Weights({name: change(name, value) for name, value in self.held.items()})
        self.made.append(found)
        return found


def flat(model: Weights) -> Array:
    """Three maps that are the weights themselves."""
    whole = np.concatenate([value.ravel() for value in model.held.values()])
    return np.stack([whole, whole**3, -whole])
