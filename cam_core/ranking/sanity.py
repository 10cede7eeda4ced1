"""Do maps depend on the model's own weights? All methods, on one shuffled model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..answers import explained
from ..backend import Array, Backend, Inputs
from ..errors import CamError, ModelError
from ..looking import Looks
from ..metrics.agreement import spearman
from ..metrics.sanity import Cascade
from ..metrics.sanity.randomisation import Shuffle, weight_layers
from ..targets import ScoredTarget


@dataclass(frozen=True)
class Question:
    """A picture and what is asked about it, small enough to be kept until the end."""

    x: Inputs
    target: ScoredTarget
    signed: Mapping[str, Array]
    """[1, *S] by method, of the model as it is."""


def checked(
    backend: Backend,
    questions: Sequence[Question],
    methods: Sequence[str],
    layers: Sequence[str] | None = None,
    *,
    seed: int = 0,
) -> dict[str, Cascade]:
    """By method, its maps against those with all weights shuffled (Adebayo et al. 2018).

    The last step of `metrics.sanity.cascade`. Without a layer asked for it is the default one.

    Raises:
        ModelError: the model has no weights that can be shuffled.
    """
    change = getattr(backend, "with_weights", None)
    if change is None:
        raise ModelError("this backend cannot shuffle weights")
    weights = tuple(name for layer in weight_layers(backend) for name in layer)
    other = change(Shuffle(0, seed))
    found: dict[str, list[float]] = {method: [] for method in methods}
    for question in questions:
        for method, alike in _alike(other, question, methods, layers).items():
            found[method].append(alike)
    return {m: Cascade((weights,), np.array([values])) for m, values in found.items()}


def _alike(
    other: Backend, question: Question, methods: Sequence[str], layers: Sequence[str] | None
) -> dict[str, float]:
    """Spearman's r of the maps of both models; NaN where one of them has none."""
    try:
        asked = Looks(other, question.x, layers, methods=methods).questions(question.target)
    except CamError:  # numbers too large for the next operator
        return dict.fromkeys(methods, float("nan"))
    found = {}
    for method in methods:
        try:
            signed = explained(asked, method).signed[:1]
            found[method] = float(spearman(question.signed[method], signed)[0])
        except (CamError, KeyError):  # no map of the one model, or of the other
            found[method] = float("nan")
    return found
