"""A model that was opened, with all that the flags and its own files say about its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import Array, Backend, InputInfo
from cam_core.explain import expand
from cam_core.sources.labels import Labels
from cam_core.sources.preprocessing import Sources
from cam_core.targets import ScoredTarget

from ..options import settled
from .given_arrays import assign
from .samples import Reader, Slot

OPEN = 224
"""Extent of a dynamic axis where a random input is made."""


@dataclass(frozen=True)
class Setup:
    """Ready to run."""

    backend: Backend
    reader: Reader
    slots: Sequence[Slot]
    source: str
    """Where the preprocessing comes from, in words."""
    labels: Labels | None
    named: str
    """Where the labels come from, in words."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the classes, where known."""
        return None if self.labels is None else self.labels.names

    def targets(self, asked: Sequence[str]) -> list[ScoredTarget]:
        """What is asked for, in the one grammar of targets; the top class where nothing is."""
        axis, classes = (
            getattr(self.backend, "class_axis", 1),
            getattr(self.backend, "classes", None),
        )
        found = expand(asked or [None], self.names, class_axis=axis)
        if classes is not None:
            for target in reversed(found):  # of top:k the last one says k
                target.require(classes)
        return found

    def noise(self, seed: int = 0) -> Slot:
        """A random input, where nothing else is at hand; the arrays of --input stay."""
        rng = np.random.default_rng(seed)
        feed = {i.name: _random(i, rng) for i in self.reader.infos}
        return Slot("noise", "noise", Path("noise"), feed=feed | dict(self.reader.extras))


def prepare(
    backend: Backend,
    model: Path,
    images: Sequence[Path],
    inputs: Sequence[str],
    *,
    labels_file: Path | None,
    label_offset: int,
    preprocess: str | None,
    pieces: Mapping[str, Any],
    required: bool = True,
) -> Setup:
    """Bring files, flags and the model's own metadata together.

    Args:
        required: refuse a call that names nothing to explain.
    """
    sources = Sources.of(backend, model)
    classes = getattr(backend, "classes", None)
    labels, named = sources.labels(labels_file, label_offset, classes)
    if not (required or images or inputs):
        files, main, extras = list[Path](), _image(backend.inputs()), dict[str, Array]()
    else:
        files, main, extras = assign(backend, images, inputs)
    spec, source = None, "no photo"
    if main is not None and len(main.shape) == 4:
        spec, source = sources.preprocess(main, preprocess, **settled(pieces))
    reader = Reader(backend.inputs(), main, spec, extras)
    slots = reader.survey(files) if required or files else []
    return Setup(backend, reader, slots, source, labels, named)


def _image(infos: Sequence[InputInfo]) -> InputInfo | None:
    """The first input that looks like one."""
    return next((info for info in infos if len(info.shape) == 4), None)


def _random(info: InputInfo, rng: np.random.Generator) -> Array:
    """One row of normal numbers, or of bytes' values."""
    space = [d if isinstance(d, int) and d > 0 else OPEN for d in info.shape[1:]]
    shape = [1, *space] if info.shape else []
    if info.dtype.kind == "f":
        return rng.standard_normal(shape).astype(info.dtype)
    return rng.integers(0, 2 if info.dtype.kind == "b" else 100, shape).astype(info.dtype)
