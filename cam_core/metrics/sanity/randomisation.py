"""Maps while the model's weights are shuffled, from the logits down to the input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from ...backend import Array, Backend
from ...errors import InputError, ModelError
from ..agreement import spearman
from ..given import as_maps
from ..intervals import Interval, mean_interval

ALIKE = 0.5
"""The size of a correlation from which on two maps are alike. Maps of independent noise have 0 on
average, but two smooth ones of 7 x 7 cells easily reach a few tenths by chance."""
STEPS = 8

DEPENDS, INDIFFERENT, UNCLEAR = "depends", "indifferent", "unclear"

Maps = Callable[[Backend], Array]
"""A model -> maps [N, *S], always of the same inputs, class and layer."""


@dataclass(frozen=True)
class Cascade:
    """How alike the maps stay while ever more weights are shuffled."""

    weights: tuple[tuple[str, ...], ...]
    """The names of those that each step shuffles besides: the logits' first."""
    similarity: Array
    """[T, N]: of each map to that of the model as it is; NaN where there is none to compare."""

    @property
    def curve(self) -> Array:
        """The mean over maps of each step's similarity, [T]; NaN where no map has one."""
        known = ~np.isnan(self.similarity)
        counts = known.sum(axis=1)
        sums = np.where(known, self.similarity, 0).sum(axis=1)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    @property
    def left(self) -> Array:
        """The size of each map's similarity with all weights shuffled, [N]: low is good."""
        found: Array = np.abs(self.similarity[-1])
        return found

    @property
    def final(self) -> Interval | None:
        """The interval of the mean of `left`; None where no map has one."""
        return None if np.isnan(self.left).all() else mean_interval(self.left)

    @property
    def verdict(self) -> str:
        """Do the maps depend on the weights?

        `depends`: with all of them shuffled the maps are another's (the interval of the mean size
        of the similarity lies below ALIKE). `indifferent`: they are much the same, and show the
        input rather than the model. `unclear`: the interval holds ALIKE, or nothing could be
        compared: take more inputs.
        """
        final = self.final
        if final is None or final.low <= ALIKE <= final.high:
            return UNCLEAR
        return DEPENDS if final.high < ALIKE else INDIFFERENT


def cascade(
    backend: Backend,
    maps: Maps,
    *,
    similarity: Callable[[Array, Array], Array] = spearman,
    steps: int = STEPS,
    seed: int = 0,
) -> Cascade:
    """Maps of models whose weights are shuffled layer by layer (Adebayo et al. 2018, section 3.1).

    Step 1 shuffles the last layer before the score, the last step all of them, those between evenly
    many more each. A weight's own numbers change places, so that batch normalisation keeps positive
    variances and 8-bit tensors their range; one whose numbers are all equal stays as it is. A
    weight keeps its order from its step on: each step differs from the one before in what it adds.

    Args:
        backend: the model.
        maps: what is to be checked, such as
            `lambda b: explain(b, x, 243, layer="layer4").signed`: name the class, for another is
            the top one of a shuffled model. Signed maps tell more than their positive parts, of
            which many are empty then.
        similarity: (maps, maps) -> [N], such as `spearman` or `ssim`.
        steps: how many models are made; fewer where there are fewer layers.
        seed: of the orders.

    Raises:
        ModelError: the backend has no weights.
        InputError: no steps, or maps of another shape than those of the model as it is.
    """
    layers = weight_layers(backend)
    if steps < 1:
        raise InputError(f"{steps} steps shuffle nothing: 1 or more")
    counts = step_counts(len(layers), steps)
    plain, found = as_maps(maps(backend)), []
    for count in counts:
        kept = sum(map(len, layers[: len(layers) - count]))
        other = as_maps(maps(backend.with_weights(Shuffle(kept, seed))))
        if other.shape != plain.shape:
            raise InputError(f"maps of {plain.shape} became {other.shape}: name one layer for all")
        found.append(similarity(plain, other))
    return Cascade(_besides(layers, counts), np.stack(found))


class Shuffle:
    """A change of weights, for `Backend.with_weights`: from a number on they are shuffled."""

    def __init__(self, kept: int, seed: int) -> None:
        self._kept, self._seed, self._met = kept, seed, 0

    def __call__(self, name: str, weight: Array) -> Array:
        """The weight, or its numbers in another order: one that its place and the seed decide."""
        if weight.size < 2:
            return weight
        place, self._met = self._met, self._met + 1
        if place < self._kept:
            return weight
        rng = np.random.default_rng([self._seed, place])
        return rng.permutation(weight.ravel()).reshape(weight.shape)


def weight_layers(backend: Backend) -> list[tuple[str, ...]]:
    """The names of the model's weights, layer by layer: neighbours of one path, `conv1.weight`
    and `conv1.bias`, are one. Single numbers, which have no order, are left out.

    Raises:
        ModelError: it has none.
    """
    names: list[str] = []

    def note(name: str, weight: Array) -> Array:
        if weight.size > 1:
            names.append(name)
        return weight

    backend.with_weights(note)
    if not names:
        raise ModelError("this model has no weights: there is nothing to shuffle")
    return [tuple(group) for _, group in groupby(names, _path)]


def step_counts(layers: int, steps: int) -> list[int]:
    """How many layers each step shuffles: 1, ..., all."""
    found: list[int] = np.ceil(np.linspace(1, layers, min(steps, layers))).astype(int).tolist()
    return found if steps > 1 else [layers]


def _path(name: str) -> str:
    return name.rpartition(".")[0] or name


def _besides(
    layers: Sequence[tuple[str, ...]], counts: Sequence[int]
) -> tuple[tuple[str, ...], ...]:
    ends = [len(layers) - count for count in (0, *counts)]
    parts = [layers[low:high] for high, low in pairwise(ends)]
    return tuple(tuple(name for layer in part for name in layer) for part in parts)
