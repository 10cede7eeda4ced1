"""Preprocessing and labels: as given, else as the model's own files state, else a told guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import Backend, InputInfo
from ..head import BoxNumbers, Head, heads_of
from ..image import DETECTORS, PRESETS, Preprocess
from ..image.preprocess import with_rows
from .labels import Labels, Spelling
from .model_files import Stated, beside, from_cam, from_heads, from_ultralytics


@dataclass(frozen=True)
class Sources:
    """What is stated of one model's photos and classes."""

    folder: Path
    metadata: Mapping[str, str]
    spell: Spelling = str
    heads: Sequence[Head] = ()
    """What its outputs are, the one with the score first."""

    @classmethod
    def of(cls, backend: Backend, model: str | Path, spell: Spelling = str) -> Sources:
        """Of an open model, and where it lies."""
        return cls(Path(model).resolve().parent, backend.metadata, spell, heads_of(backend))

    @cached_property
    def stated(self) -> tuple[Stated, ...]:
        """By the model, its metadata and the files beside it, the most trusted first.

        Raises:
            InputError: one of them is unreadable. Nothing is read where the caller says it all.
        """
        ultralytics = from_ultralytics(self.metadata, self.spell)
        found = [from_cam(self.metadata), from_heads(self.heads)]
        found += [*beside(self.folder, self.spell), ultralytics]
        return tuple(stated for stated in found if stated is not None)

    def preprocess(
        self, info: InputInfo, preset: str | None = None, **given: Any
    ) -> tuple[Preprocess, str]:
        """The preprocessing, and in words where it comes from.

        `given`: fields of Preprocess that go before all that is stated elsewhere.
        """
        pieces = " ".join(map(self.spell, given))
        besides = f" with {pieces}" if given else ""
        if preset is not None:
            return replace(
                PRESETS[preset], **given
            ), f"{self.spell('preprocess')} {preset}{besides}"
        found = next((s for s in self.stated if s.spec is not None), None)
        if found is not None and found.spec is not None:
            return replace(fitted(found.spec, info), **given), found.where + besides
        name, spec, why = guess_preset(
            info, self.metadata, self.spell, next(iter(self.heads), None)
        )
        if given.keys() & {"mean", "std", "scale"}:
            own, why = ranged(given, self.spell)
            return replace(PRESETS["raw"], margin=spec.margin, **own), pieces + why
        return replace(spec, **given), f"{name}, {why}{besides}"

    def labels(self, classes: int | None = None) -> tuple[Labels | None, str]:
        """The names of the classes, and where they come from; None and why where nobody says."""
        found = next((s for s in self.stated if s.labels), None)
        if found is None or found.labels is None:
            return None, "none"
        if classes is not None and len(found.labels) != classes:
            return None, f"none: {found.where} has {len(found.labels)} names for {classes} classes"
        return Labels(found.where, found.labels), found.where


def ranged(given: Mapping[str, Any], spell: Spelling) -> tuple[dict[str, Any], str]:
    """A mean and a std that stand alone, with the range of pixels they are for; and why.

    The fractions that trainers print (0.485, 0.229, ...) are of pixels 0..1: off 0..255 they would
    be next to nothing.
    """
    values = (*given.get("mean", ()), *given.get("std", ()))
    fractions = any(value % 1 for value in values) and all(abs(value) <= 1 for value in values)
    if "scale" in given or not fractions:
        return dict(given), ""
    why = f", fractions: so of pixels 0..1; else give {spell('scale')} 1"
    return {**given, "scale": 1 / 255}, why


def fitted(spec: Preprocess, info: InputInfo) -> Preprocess:
    """Without a size, where the model has its own: a file's size is for open inputs.

    The shorter side keeps its proportion to the input.
    """
    info = with_rows(info)
    space = [n for i, n in enumerate(info.shape) if i not in (0, (info.channel_axis or 1) % 4)]
    if len(space) != 2 or not all(isinstance(n, int) for n in space):
        return spec
    side = min(n for n in space if isinstance(n, int))
    before = spec.size if isinstance(spec.size, int) else min(spec.size or (side,))
    resize = spec.resize
    if resize is not None and before != side:
        resize = round(resize * side / before)
    return replace(spec, size=None, resize=resize)


GUESS = "a guess as nothing says it"
"""Begins what is said of a preprocessing that no file and no flag states."""
THINNING = ((8, 3), (16, 2), (32, 2), (64, 3))
"""(stride, anchors a cell) of UltraFace, as its public configuration has them."""


def _kind(boxes: BoxNumbers, info: InputInfo) -> str:
    """A row of DETECTORS; Ultralytics' own selected rows have score and class beside the box."""
    if info.alone:
        return "alone"
    if boxes.unsure:
        return "queries"
    if boxes.background == 0 and boxes.anchors is not None and boxes.anchors == _thinning(info):
        return "thinning"
    apart = boxes.own is not None and boxes.own.output != boxes.output
    return "selected" if apart else boxes.written


def _thinning(info: InputInfo) -> int | None:
    """How many anchors UltraFace has over an input; None where that leaves its size open."""
    sides = [n for i, n in enumerate(info.shape) if i not in (0, (info.channel_axis or 1) % 4)]
    if len(sides) != 2 or not all(isinstance(n, int) for n in sides):
        return None
    whole = [n for n in sides if isinstance(n, int)]
    return sum(each * prod(-(-n // stride) for n in whole) for stride, each in THINNING)


def guess_preset(
    info: InputInfo, metadata: Mapping[str, str], spell: Spelling = str, head: Head | None = None
) -> tuple[str, Preprocess, str]:
    """What most models of this kind of input want, its name, and why.

    ImageNet's for float colour input, 0..1 for float grey, the bare pixels for integers; the
    range that ONNX's own image metadata names goes first. Detectors want the whole photo: by how
    their boxes are written.
    """
    ranges = {"NominalRange_0_255": "raw", "Normalized_0_1": "unit", "Normalized_1_1": "tf"}
    named = metadata.get("Image.NominalPixelRange", "")
    if named in ranges:
        name = ranges[named]
        return name, PRESETS[name], f"as Image.NominalPixelRange in the file says {named}"
    detector = head is not None and head.boxes is not None
    what = "boxes" if detector else "classes"
    guessed = f"{GUESS}: check the {what}, or give {spell('preprocess')}"
    if np.issubdtype(info.dtype, np.integer):
        bare = replace(PRESETS["raw"], fit="stretch") if detector else PRESETS["raw"]
        return "raw", bare, guessed
    grey = len(info.shape) == 4 and info.channel_axis is not None
    colourless = grey and info.shape[info.channel_axis or 1] == 1
    if head is not None and head.boxes is not None and not colourless:
        name, spec = DETECTORS.get(_kind(head.boxes, info), DETECTORS[""])
        return name, spec, guessed
    name = "unit" if colourless else "imagenet"
    return name, PRESETS[name], guessed
