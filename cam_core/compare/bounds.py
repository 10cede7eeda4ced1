"""What an agreement is measured against: a floor of noise, and maps that are about something else.

On a sample of photos, A's own map is compared with: A's map of the same photo with one grey level
of noise (the floor of disagreement); A's map of its second class, and of one that has nothing to do
with the photo (the ceiling), by one more backward pass each of the same look; where these tell
nothing, the map of A with shuffled weights. Where B is quantised the maps that need no gradient are
compared as well. Where A is a recording it is B's own map that they are of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import Array, Backend, Inputs
from ..errors import CamError
from ..looking import Looks
from ..targets import ScoredTarget
from .agreement import gain, same_size, spearman
from .layers import QUANTISED
from .pair import stacked
from .photos import Batch, Photo
from .sides import FORWARD, Sides, map_of, scores

LEVELS = 255
"""A grey level of an input that is no photo: its range over these."""
QUANTISERS = ("QuantizeLinear", "DequantizeLinear", "QLinear", "QGemm", "MatMulNBits", "Integer")
"""What operators of quantised models are called by."""
NOISE, SHUFFLED, FORWARD_ONLY = "noise", "shuffled weights", "forward-only"
NOISE_GAIN, NOISE_FLIP = "noise gain", "noise flips"


def bounds_of(
    sides: Sides, batch: Batch, photos: Sequence[Photo], *, forward_only: bool = False
) -> list[dict[str, float]]:
    """By what it is compared with, the agreement of each photo's map of A (B if A is recorded)."""
    found: dict[str, Array] = {}
    side, n = sides.live or 0, len(photos)
    looks, target = batch.looks[side], batch.targets[side]
    if looks is None:
        return [{} for _ in photos]
    makers = [photo.noisy_b if side else photo.noisy for photo in photos]
    made = [maker() for maker in makers if maker is not None]
    if len(made) == n:
        found |= _noise(sides, batch, stacked(made))
    for name, other in target.others(looks.first.score).items():
        found[name] = _agreed(sides, batch.signed, looks, other)
    if forward_only:
        found[FORWARD_ONLY] = _forward_only(batch)
    return [{name: float(of[i]) for name, of in found.items()} for i in range(n)]


def with_shuffled(sides: Sides, batch: Batch) -> list[dict[str, float]] | None:
    """The bounds of each photo with that of shuffled weights; None where there are none."""
    side = sides.live or 0
    x = [photo.b if side else photo.a for photo in batch.photos]
    found = shuffled_of(sides, x, batch.targets[side], batch.signed)
    if found is None:
        return None
    return [{**pair.bounds, SHUFFLED: float(r)} for pair, r in zip(batch.pairs, found, strict=True)]


def shuffled_of(
    sides: Sides, x: Sequence[Inputs], target: ScoredTarget, signed: Array
) -> Array | None:
    """The agreement of A's maps with those of A with shuffled weights [N].

    None where the model has no weights, or where its numbers grow too large without order.
    """
    layers = sides.layers_b if sides.live else sides.layers_a
    try:
        looks = Looks(sides.shuffled, stacked(x), layers)
    except (CamError, NotImplementedError):
        return None
    return _agreed(sides, signed, looks, target)


def quantised(backend: Backend) -> bool:
    """Do its layers' operators or names say that it is quantised?"""
    return any(
        layer.operator.startswith(QUANTISERS)
        or layer.operator.endswith(QUANTISERS)
        or layer.name.endswith(QUANTISED)
        for layer in backend.layers()
    )


def grey_noise(x: Any, seed: int) -> Any:
    """An input that is no photo, each number moved by up to one step of 255 over its range."""
    if isinstance(x, dict):
        return {name: grey_noise(one, seed) for name, one in x.items()}
    array: Array = np.asarray(x)
    if not np.issubdtype(array.dtype, np.floating):
        return array
    steps = np.random.default_rng(seed).integers(-1, 2, array.shape, dtype=np.int8)
    step = (array.max() - array.min()) / LEVELS
    moved: Array = np.clip(array + steps * step, array.min(), array.max()).astype(array.dtype)
    return moved


def grey_level(pixels: Array, seed: int) -> Array:
    """A photo uint8 whose pixels move by -1, 0 or 1, seeded."""
    steps = np.random.default_rng(seed).integers(-1, 2, pixels.shape, dtype=np.int8)
    moved: Array = np.clip(pixels.astype(np.int16) + steps, 0, 255).astype(np.uint8)
    return moved


def _noise(sides: Sides, batch: Batch, x: Inputs) -> dict[str, Array]:
    """The agreement, the gain, and whether the answer flips."""
    side = sides.live or 0
    looks, target = sides.looks(x, of_b=bool(side)), batch.targets[side]
    own = batch.scores[side]
    try:
        signed = sides.cut(map_of(looks, target, sides.how).signed[: len(own)])
    except CamError:
        return {}
    y = scores(looks, sides.side(side))[: len(own)]
    flips = (y.argmax(axis=1) != own.argmax(axis=1)) * 1.0
    known = {NOISE: spearman(batch.signed, signed), NOISE_GAIN: gain(batch.signed, signed)}
    return known | ({NOISE_FLIP: flips} if sides.ranked else {})


def _forward_only(batch: Batch) -> Array:
    """Of both models' maps without gradients."""
    n = len(batch.pairs)
    try:
        a, b = (
            map_of(one, target, FORWARD).signed[:n]
            for one, target in zip(batch.looks, batch.targets, strict=True)
            if one is not None
        )
    except CamError:
        return np.full(n, np.nan)
    return spearman(*same_size(a, b))


def _agreed(sides: Sides, signed: Array, looks: Looks, target: ScoredTarget) -> Array:
    """NaN where that map is none."""
    try:
        other = sides.cut(map_of(looks, target, sides.how).signed[: len(signed)])
        if not np.isfinite(other).all():
            return np.full(len(signed), np.nan)
        return spearman(signed, other)
    except CamError:
        return np.full(len(signed), np.nan)
