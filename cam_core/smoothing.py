"""One target by one method, smoothed as pytorch-grad-cam does it: the table of ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from . import answers
from .backend import Array, Inputs
from .errors import InputError, TargetError
from .explanation import Explanation
from .looking import Looks
from .maps.combine import normalise, resize
from .maps.scales import even
from .methods import Question
from .targets import ScoredTarget

SMOOTHS = {
    "aug": "the mean over the picture and its mirror image, each times 0.9, 1 and 1.1",
    "eigen": "the first principal component of the weighted activations in place of their sum",
}
"""By name, in words."""
FACTORS = (0.9, 1.0, 1.1)
Smooth = str | Sequence[str]


def explained(
    questions: Sequence[Question], name: str, *, smooth: Smooth = (), **options: Any
) -> Explanation:
    """As `answers.explained`, smoothed by rows of SMOOTHS.

    Raises:
        InputError: no such row, or a picture is needed and the input is none.
        TargetError: the target is about a place, which lies elsewhere in a mirror image.
    """
    asked = as_rows(smooth)
    options |= {"eigen": "eigen" in asked}
    if "aug" not in asked:
        found = answers.explained(questions, name, **options)
    else:
        found = _augmented(questions, name, **options)
    return replace(found, smooth=", ".join(asked)) if asked else found


def as_rows(smooth: Smooth) -> list[str]:
    """The rows of SMOOTHS that are asked for, in the table's order.

    Raises:
        InputError: one that is none.
    """
    asked = [smooth] if isinstance(smooth, str) and smooth else list(smooth)
    unknown = [name for name in asked if name not in SMOOTHS]
    if unknown:
        raise InputError(f"no smooth '{unknown[0]}'; there are {', '.join(SMOOTHS)}")
    return [name for name in SMOOTHS if name in asked]


def _augmented(questions: Sequence[Question], name: str, **options: Any) -> Explanation:
    """The mean of the final maps of six pictures, the mirrored ones turned back.

    pytorch-grad-cam's `aug_smooth`: what is multiplied is the input as it is fed. A final map is
    the map in [0, 1] as `heatmap` has it at the input's size; their mean is not brought to 1 again.
    The other five pictures are explained for the classes of the first.
    """
    first = questions[0]
    width = _width_of(first)
    held = first.target.held(first.look.score)
    if _about_a_place(held, first):
        raise TargetError(
            f"target '{held.label}' is about a place, which a mirror image has elsewhere: "
            "smooth 'aug' takes classes and values"
        )
    found = answers.explained(questions, name, **options)
    size = tuple(first.X.shape[2:])
    layers = [question.layer for question in questions]
    each: list[tuple[Array, Array]] = []
    for mirrored, x in _pictures(first, width):
        one = found
        if x is not None:
            looks = Looks(first.backend, x, layers, methods=[name])
            one = answers.explained(looks.questions(held), name, **options)
        sides = _sides(one, size)
        each.append((np.flip(sides[0], -1), np.flip(sides[1], -1)) if mirrored else sides)
    map_, dark = (np.mean(side, axis=0).astype(found.map.dtype) for side in zip(*each, strict=True))
    return replace(
        found,
        map=map_,
        signed=np.where(map_ > 0, map_, -dark),
        alpha=None,
        raw_max=np.max(map_, axis=tuple(range(1, map_.ndim))),
        noise_floor=np.zeros_like(found.noise_floor),
    )


def _pictures(question: Question, width: int) -> Iterator[tuple[bool, Inputs | None]]:
    """Is it mirrored, and the input; None: as it was fed."""
    picture, name = question.picture, question.input.name
    for mirrored in (False, True):
        turned = np.flip(picture, width) if mirrored else picture
        for factor in FACTORS:
            if factor == 1 and not mirrored:
                yield False, None
                continue
            changed = np.ascontiguousarray(turned * factor).astype(picture.dtype)
            x = question.x
            yield mirrored, {**x, name: changed} if isinstance(x, Mapping) else changed


def _width_of(question: Question) -> int:
    """The axis of the picture that is mirrored."""
    info, rank = question.input, question.picture.ndim
    if info.channel_axis is None or not info.pictured:
        raise InputError(f"smooth 'aug' mirrors a picture, and input '{info.name}' is none")
    return rank - 2 if info.channel_axis % rank == rank - 1 else rank - 1


def _about_a_place(target: ScoredTarget, question: Question) -> bool:
    """Does a score that has places count at some of them more than at others?"""
    look, apart = question.look, {0, question.backend.class_axis % question.look.score.ndim}
    if target.outline is not None or target.detail:
        return True
    slope = target(look.score, look.outputs)
    places = tuple(axis for axis in range(slope.ndim) if axis not in apart)
    return bool(places) and bool(np.any(np.max(slope, places) != np.min(slope, places)))


def _sides(one: Explanation, size: tuple[int, ...]) -> tuple[Array, Array]:
    """The final map, and what speaks against the target over the same maximum; 0 of a blank one."""
    dark = even(np.maximum(-one.signed, 0.0), one.map, one.noise_floor)
    blank = one.blank.reshape(-1, *[1] * (one.map.ndim - 1))
    return np.where(blank, 0.0, _final(one.map, size)), dark


def _final(maps: Array, size: tuple[int, ...]) -> Array:
    """Maps that, once resized to `size`, are heatmaps: resizing is linear, so it can wait."""
    scaled = normalise(maps)
    if maps.ndim - 1 != len(size):
        return scaled
    at_size = resize(scaled, size)
    axes = tuple(range(1, maps.ndim))
    low = np.min(at_size, axis=axes, keepdims=True)
    span = np.max(at_size, axis=axes, keepdims=True) - low
    found: Array = (scaled - low) / (span + 1e-7)
    return found
