"""A model that was opened, with all that the flags and its own files say about its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import Array, Backend, InputInfo
from cam_core.errors import InputError
from cam_core.explain import suited
from cam_core.sources import Labels, Sources, read_labels
from cam_core.targets import ScoredTarget

from ..typed import Typed, flag
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
        classes = self.backend.classes
        found = suited(self.backend, asked or [None], self.names)
        if classes is not None:
            for target in reversed(found):  # of top:k the last one says k
                target.require(classes)
        return found

    def noise(self, seed: int = 0) -> Slot:
        """A random input, where nothing else is at hand; the arrays of --input stay."""
        rng = np.random.default_rng(seed)
        feed = {i.name: _random(i, rng) for i in self.reader.infos}
        return Slot("noise", "noise", Path("noise"), feed=feed | dict(self.reader.extras))


def bring_together(
    backend: Backend,
    sources: Sources,
    asked: Typed,
    images: Sequence[Path],
    given: Mapping[str, Any],
    *,
    required: bool = True,
) -> Setup:
    """Bring files, flags and the model's own metadata together.

    Args:
        given: the fields of Preprocess that were typed.
        required: refuse a call that names nothing to explain.
    """
    labels, named = find_labels(sources, asked, backend.classes)
    if not (required or images or asked.inputs):
        files, main, extras = list[Path](), _image(backend.inputs()), dict[str, Array]()
    else:
        files, main, extras = assign(backend, images, asked.inputs)
    spec, source = None, "no photo"
    if main is not None and len(main.shape) == 4:
        spec, source = sources.preprocess(main, asked.preprocess, **given)
    reader = Reader(backend.inputs(), main, spec, extras)
    slots = reader.survey(files) if required or files else []
    return Setup(backend, reader, slots, source, labels, named)


def find_labels(sources: Sources, asked: Typed, classes: int | None) -> tuple[Labels | None, str]:
    """The names of the classes (None where nobody knows them), and a note on their source.

    Raises:
        InputError: a label file of another length than the classes.
    """
    if asked.labels_file is not None:
        labels = read_labels(asked.labels_file, asked.label_offset, flag)
        if classes is not None:
            labels.check(classes, flag)
        return labels, f"--labels {asked.labels_file}"
    if asked.label_offset:
        raise InputError("--label-offset shifts the names of a file: give it with --labels.")
    found, named = sources.labels(classes)
    return found, named if found is not None else f"{named}; give --labels FILE"


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
