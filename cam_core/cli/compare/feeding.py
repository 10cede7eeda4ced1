"""What B is fed of a photo: the bytes that A is fed, wherever B takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cam_core.backend import Array, InputInfo, Inputs
from cam_core.compare.bounds import grey_level, grey_noise
from cam_core.compare.classes import Names
from cam_core.compare.inputs import match_inputs, pairing_said, renamed
from cam_core.compare.photos import Photo
from cam_core.doctor import Candidate, current
from cam_core.doctor.candidates import same
from cam_core.errors import InputError
from cam_core.image import Placement
from cam_core.image.preprocess import find_channel_axis
from cam_core.rows import refilled
from cam_core.sources.preprocessing import GUESS

from ..inputs.opened import Setup
from ..inputs.samples import Sample

SAME, CAST, TURNED, SIZED, OWN = "same", "cast", "turned", "sized", "own"
NAMED = "named"
"""How B is fed: the same bytes; the same numbers in its type, or with its axes; the photo at its
size by A's preprocessing; the photo by its own; several inputs by B's names."""


@dataclass(frozen=True)
class Feeding:
    """Both models' readers, and how B is fed."""

    a: Setup
    b: Setup
    how: str
    said: str
    """What there is to say of it first; '' of the same bytes."""
    seed: int = 0

    @property
    def count(self) -> int:
        """How many photos there are."""
        return len(self.a.slots)

    @property
    def names(self) -> tuple[Names, Names]:
        """Those of both models' classes."""
        return self.a.names, self.b.names

    def record(self) -> dict[str, Any]:
        """Labels, preprocessing, and how B is fed, ready for JSON."""
        return {
            "labels": [self.a.named, self.b.named],
            "preprocessing": [described(self.a), described(self.b)],
            "b_is_fed": self.how,
        }

    @property
    def prepared(self) -> str:
        """How A's photos are prepared, and B's where they are otherwise."""
        return self.a.fed if self.how != OWN else f"A: {self.a.fed}; B: {self.b.fed}"

    def shown(self, index: int, like: Array) -> tuple[Array, Placement] | None:
        """A photo, and where it lies in A's input; None where arrays were given."""
        sample = self.a.reader.open(self.a.slots[index], index)
        if sample.picture is None or sample.placement is None:
            return None
        return sample.picture, sample.placement

    @property
    def used(self) -> Candidate | None:
        """How B is fed, for the doctor; None of what is no photo."""
        spec = (self.b if self.how in (SIZED, OWN) else self.a).reader.spec
        main, infos = self.b.reader.main, self.b.reader.infos
        if spec is None or main is None or len(infos) > 1 or not main.pictured:
            return None
        return current(spec, main)

    def pixels(self, index: int) -> Array | None:
        """A photo uint8 [H, W, 3]."""
        return self.a.reader.picture(self.a.slots[index])

    def photo(self, index: int) -> Photo:
        """A row of both models' inputs."""
        slot = self.a.slots[index]
        sample = self.a.reader.open(slot, index)
        return Photo(
            slot.name,
            sample.x,
            self._of_b(sample, index),
            lambda: self._moved(sample, index).x,
            sample.placement,
            index,
            lambda: self._of_b(self._moved(sample, index), index),
            slot.stem,
        )

    def _of_b(self, sample: Sample, index: int) -> Inputs:
        info = self.b.reader.infos[0]
        if self.how == SAME:
            return refilled(sample.x, self.a.reader.infos, self.b.reader.infos)
        if self.how == NAMED:
            infos = self.b.reader.infos
            return renamed(sample.x, match_inputs(self.a.reader.infos, infos), infos)
        if self.how in (SIZED, OWN):
            slot = replace(self.b.slots[index], pixels=sample.slot.pixels)
            return self.b.reader.open(slot, index).x
        x = np.asarray(sample.x)
        if self.how == TURNED:
            x = turned(x, find_channel_axis(self.a.reader.infos[0]))
        return refilled(x.astype(info.dtype), [info], [info])

    def _moved(self, sample: Sample, index: int) -> Sample:
        """The photo with one grey level of noise, as A takes it."""
        pixels = self.a.reader.picture(sample.slot)
        if pixels is None:
            return replace(sample, x=grey_noise(sample.x, self.seed + index))
        moved = replace(sample.slot, pixels=grey_level(pixels, self.seed + index))
        return self.a.reader.open(moved, index)


def feeding(a: Setup, b: Setup, *, own: bool, seed: int = 0) -> Feeding:
    """How B is fed, and what is to be said of it.

    Raises:
        InputError: B cannot be fed what A is.
    """
    if own:
        said = f"B is fed by its own preprocessing: {described(b)}; A: {described(a)}"
        return Feeding(a, b, OWN, said, seed)
    how, said = _how(a, b)
    kept = b
    if how == SIZED:
        b = replace(b, reader=replace(b.reader, spec=a.reader.spec))
    lines = [said, "" if how == OWN else stated_otherwise(a, kept)]
    return Feeding(a, b, how, "; ".join(filter(None, lines)), seed)


def stated_otherwise(a: Setup, b: Setup) -> str:
    """That B's files say another preprocessing than it is fed by; '' where they do not."""
    ours, theirs, main = a.reader.spec, b.reader.spec, b.reader.main
    if ours is None or theirs is None or main is None or GUESS in b.source:
        return ""
    if same(current(ours, main), current(theirs, main)):
        return ""
    own = f"B is fed as A, while its own files say otherwise ({b.fed})"
    return f"{own}: --own-preprocessing feeds it so"


def described(setup: Setup) -> str:
    """Its preprocessing, and where that comes from."""
    spec = setup.reader.spec
    order = "" if spec is None else f"{'BGR' if spec.bgr else 'RGB'} x {spec.scale:.4g}, "
    return f"{order}{setup.source}"


def turned(x: Array, channels: int) -> Array:
    """NCHW as NHWC, or back."""
    return np.ascontiguousarray(np.moveaxis(x, *((1, -1) if channels == 1 else (-1, 1))))


def _how(a: Setup, b: Setup) -> tuple[str, str]:
    ours, theirs = list(a.reader.infos), list(b.reader.infos)
    names = match_inputs(ours, theirs) if len(ours) != 1 or len(theirs) != 1 else {}
    if names:
        return (NAMED if pairing_said(names) else SAME), pairing_said(names)
    one, other = ours[0], theirs[0]
    if not _both_float(one, other):
        kinds = f"A takes {one.dtype}, B {other.dtype}"
        return OWN, f"{kinds}: B is fed by its own preprocessing, {described(b)}"
    if _fits(one, other):
        if one.dtype == other.dtype:
            return SAME, ""
        return CAST, f"A takes {one.dtype}, B {other.dtype}: the same numbers, rounded to that"
    pictures = len(one.shape) == len(other.shape) == 4
    if pictures and find_channel_axis(one) != find_channel_axis(other):
        moved = turned_shape(one)
        if _fits(replace(one, shape=moved), other):
            return TURNED, "A and B have other layouts: the same numbers, turned to B's"
    if not pictures:
        raise InputError(f"A takes {_shape(one)} and B {_shape(other)}: no photo is both")
    return SIZED, f"A takes {_shape(one)}, B {_shape(other)}: each photo at its own size"


def turned_shape(info: InputInfo) -> tuple[int | str | None, ...]:
    """Its shape in the other layout."""
    n, *rest = info.shape
    return (n, *rest[1:], rest[0]) if find_channel_axis(info) == 1 else (n, rest[-1], *rest[:-1])


def _both_float(one: InputInfo, other: InputInfo) -> bool:
    floats = [np.issubdtype(info.dtype, np.floating) for info in (one, other)]
    return all(floats) or one.dtype == other.dtype


def _fits(one: InputInfo, other: InputInfo) -> bool:
    """May every extent be the same?"""
    if len(one.shape) != len(other.shape):
        return False
    pairs = zip(one.shape[1:], other.shape[1:], strict=True)
    return all(n == m or not (isinstance(n, int) and isinstance(m, int)) for n, m in pairs)


def _shape(info: InputInfo) -> str:
    return "x".join(str(n) if isinstance(n, int) else "?" for n in info.shape[1:])
