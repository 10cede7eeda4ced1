"""What an agreement is measured against: a floor of noise, and maps that are about something else.

On a sample of photos, A's own map is compared with: A's map of the same photo with one grey level
of noise (the floor of disagreement); A's map of its second class, and of one that has nothing to do
with the photo (the ceiling); the map of A with shuffled weights. Where B is quantised the maps
that need no gradient are compared as well.
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
from .pair import stacked
from .photos import Batch, Photo
from .sides import FORWARD, Sides, map_of, scores

LEVELS = 255
"""A grey level of an input that is no photo: its range over these."""
QUANTISERS = ("QuantizeLinear", "DequantizeLinear", "QLinear", "QGemm", "MatMulNBits", "Integer")
"""What operators of quantised models are called by."""
SUFFIXES = ("_quantized", "_dequantized")
"""What quantisers call their tensors."""
NOISE, SHUFFLED, FORWARD_ONLY = "noise", "shuffled weights", "forward-only"
NOISE_GAIN, NOISE_FLIP = "noise gain", "noise flips"


def bounds_of(
    sides: Sides, batch: Batch, photos: Sequence[Photo], *, forward_only: bool = False
) -> list[dict[str, float]]:
    """By what it is compared with, the agreement of each photo's map of A."""
    found: dict[str, Array] = {}
    if all(photo.noisy is not None for photo in photos):
        noisy = stacked([photo.noisy() for photo in photos if photo.noisy is not None])
        found |= _noise(sides, batch, noisy)
    own = batch.targets[0].others(batch.looks[0].first.score)
    for name, target in own.items():
        found[name] = _agreed(batch.signed, batch.looks[0], target, sides.how)
    x = stacked([photo.a for photo in photos])
    shuffled = _shuffled(sides, x)
    if shuffled is not None:
        found[SHUFFLED] = _agreed(batch.signed, shuffled, batch.targets[0], sides.how)
    if forward_only:
        found[FORWARD_ONLY] = _forward_only(batch)
    return [{name: float(of[i]) for name, of in found.items()} for i in range(len(photos))]


def quantised(backend: Backend) -> bool:
    """Do its layers' operators or names say that it is quantised?"""
    return any(
        layer.operator.startswith(QUANTISERS)
        or layer.operator.endswith(QUANTISERS)
        or layer.name.endswith(SUFFIXES)
        for layer in backend.layers()
    )


def grey_noise(x: Any, seed: int) -> Any:
    """An input that is no photo, each number moved by up to one step of 255 over its range."""
    if isinstance(x, dict):
        return {name: grey_noise(one, seed) for name, one in x.items()}
    array: Array = np.asarray(x)
    if not np.issubdtype(array.dtype, np.floating):
        return array
    steps = np.random.default_rng(seed).integers(-1, 2, array.shape)
    step = (array.max() - array.min()) / LEVELS
    moved: Array = np.clip(array + steps * step, array.min(), array.max()).astype(array.dtype)
    return moved


def grey_level(pixels: Array, seed: int) -> Array:
    """A photo uint8 whose pixels move by -1, 0 or 1, seeded."""
    steps = np.random.default_rng(seed).integers(-1, 2, pixels.shape)
    moved: Array = np.clip(pixels.astype(np.int16) + steps, 0, 255).astype(np.uint8)
    return moved


def _noise(sides: Sides, batch: Batch, x: Inputs) -> dict[str, Array]:
    """The agreement, the gain, and whether the answer flips."""
    looks, target = sides.looks(x), batch.targets[0]
    try:
        signed = map_of(looks, target, sides.how).signed[: len(batch.signed)]
    except CamError:
        return {}
    own = batch.scores[0]
    y = scores(looks, sides.a)[: len(own)]
    flips = (y.argmax(axis=1) != own.argmax(axis=1)) * 1.0
    known = {NOISE: spearman(batch.signed, signed), NOISE_GAIN: gain(batch.signed, signed)}
    return known | ({NOISE_FLIP: flips} if sides.ranked else {})


def _shuffled(sides: Sides, x: Inputs) -> Looks | None:
    """None where the model has no weights, or where its numbers grow too large without order."""
    try:
        return Looks(sides.shuffled, x, sides.layers_a)
    except (CamError, NotImplementedError):
        return None


def _forward_only(batch: Batch) -> Array:
    """Of both models' maps without gradients."""
    pairs = zip(batch.looks, batch.targets, strict=True)
    try:
        n = len(batch.pairs)
        a, b = (map_of(looks, target, FORWARD).signed[:n] for looks, target in pairs)
    except CamError:
        return np.full(len(batch.pairs), np.nan)
    return spearman(*same_size(a, b))


def _agreed(signed: Array, looks: Looks, target: ScoredTarget, method: str) -> Array:
    """NaN where that map is none."""
    try:
        other = map_of(looks, target, method).signed[: len(signed)]
        if not np.isfinite(other).all():
            return np.full(len(signed), np.nan)
        return spearman(signed, other)
    except CamError:
        return np.full(len(signed), np.nan)
