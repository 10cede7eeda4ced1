"""A model that was opened, with all that the flags and its own files say about its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.asking import asking_of
from cam_core.backend import Array, Backend, InputInfo
from cam_core.errors import InputError
from cam_core.explain import suited
from cam_core.head import head_of
from cam_core.image import Preprocess
from cam_core.labelled import labelled
from cam_core.rows import row_axis
from cam_core.sources import Labels, Sources, read_labels
from cam_core.sources.alphabet import read_alphabet, stated_alphabet
from cam_core.targets import ScoredTarget, usual

from ..missed import tell_converted
from ..typed import Typed, flag
from .given_arrays import Assigned, assign
from .own_size import STEPS, leaves_open
from .photos import photo
from .reader import Reader
from .samples import Slot, fed

OPEN = 224
"""Extent of a dynamic axis where a random input is made."""


Cutting = Callable[[Sequence[Slot]], tuple[list[Slot], list[str]]]
"""Photos -> their parts that the model is shown, and a line for each photo without any."""


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
    missed: Sequence[str] = ()
    """A line for each photo that has nothing to explain."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the classes, where known."""
        return None if self.labels is None else self.labels.names

    def targets(self, asked: Sequence[str], *, several: bool = True) -> list[ScoredTarget]:
        """What is asked for, in the one grammar of targets; what suits the score if nothing is.

        `several`: may that be more than one?
        """
        classes = self.backend.classes
        one, most = usual(asking_of(self.backend, self.names))
        found = suited(self.backend, asked or [most if several else one], self.names)
        if classes is not None:
            for target in reversed(found):  # of top:k the last one says k
                target.require(classes)
        return found

    @property
    def seen(self) -> set[str]:
        """The inputs that there is something of to draw a map over."""
        if any(slot.feed for slot in self.slots):
            return {info.name for info in self.reader.infos}
        main = self.reader.main
        return {*self.reader.photos, *([] if main is None else [main.name])}

    @property
    def fed(self) -> str:
        """How the first thing to explain is prepared, and where that comes from."""
        return fed(self.reader.open(self.slots[0]).description, self.source)

    def noise(self, seed: int = 0) -> Slot:
        """A random row of each input that --input does not give."""
        rng, given = np.random.default_rng(seed), self.reader.extras
        feed = {i.name: _random(i, rng) for i in self.reader.infos if i.name not in given}
        return Slot("noise", "noise", Path("noise"), feed=feed)


def bring_together(
    backend: Backend,
    sources: Sources,
    asked: Typed,
    images: Sequence[Path],
    given: Mapping[str, Any],
    *,
    required: bool = True,
    cutting: Cutting | None = None,
) -> Setup:
    """Bring files, flags and the model's own metadata together.

    Args:
        given: the fields of Preprocess that were typed.
        required: refuse a call that names nothing to explain.
        cutting: what the model is shown of the photos; None: all of them.
    """
    tell_converted(backend)
    labels, named = find_labels(sources, asked, backend)
    if asked.labels_file is not None and labels is not None:
        backend = labelled(backend, labels.names)
    infos = {info.name: info for info in backend.inputs()}
    if not (required or images or asked.inputs):
        known = Assigned([], _image(list(infos.values())), {}, {})
    else:
        known = assign(backend, images, asked.inputs)

    def prepared(info: InputInfo) -> tuple[Preprocess, str]:
        return sources.preprocess(info, asked.preprocess, **given)

    main, spec, source = known.main, None, "no photo"
    if main is not None and main.pictured:
        spec, source = prepared(main)
        if set(main.decided) - {main.channel_axis}:
            source += "; the file leaves the size open, its weights take no other"
    photos = {n: photo(p, prepared(infos[n])[0], infos[n]) for n, p in known.photos.items()}
    extras = known.extras | {name: one.x for name, one in photos.items()}
    reader = Reader(list(infos.values()), main, spec, extras, photos, known.written)
    slots = reader.survey(known.files) if required or known.files else []
    missed: list[str] = []
    if cutting is not None:
        slots, missed = cutting(slots)
        reader.check_rows(len(slots))
    reader = taken(reader, slots, backend, asked.first_layer)
    return Setup(backend, reader, slots, source, labels, named, missed)


def taken(reader: Reader, slots: Sequence[Slot], backend: Backend, layer: str | None) -> Reader:
    """Where nothing says a size: the reader of pictures at their own, rounded as the model demands.

    Tried on the first one; a model that takes none of these sizes gets the usual 224.
    """
    first = next((slot for slot in slots if not slot.feed), None)
    main, spec = reader.main, reader.spec
    if first is None or main is None or spec is None or not leaves_open(main, spec):
        return reader
    from cam_core.compare.recordings import recording_of

    asked = None if layer is None else [layer]
    if recording_of(backend) is not None:  # it knows the pictures at the size they had
        asked = []
    for step in STEPS:
        photos = {name: one.at(step) for name, one in reader.photos.items()}
        extras = dict(reader.extras) | {name: one.x for name, one in photos.items()}
        tried = replace(reader, step=step, photos=photos, extras=extras)
        try:
            backend.look(tried.open(first).x, layers=asked)
        except InputError:
            continue
        return tried
    return reader


def find_labels(sources: Sources, asked: Typed, backend: Backend) -> tuple[Labels | None, str]:
    """The names of the classes (None where nobody knows them), and a note on their source.

    Raises:
        InputError: a label file of another length than the classes.
    """
    classes = backend.classes
    if asked.labels_file is not None:
        letters = None if asked.label_offset else _alphabet(backend, asked.labels_file)
        labels = letters or read_labels(asked.labels_file, asked.label_offset, flag)
        if classes is not None:
            labels.check(classes, flag)
        return labels, f"--labels {asked.labels_file}"
    if asked.label_offset:
        raise InputError("--label-offset shifts the names of a file: give it with --labels.")
    found, named = sources.labels(classes)
    letters = _alphabet(backend) if found is None else None
    if letters is not None:
        return letters, letters.source
    return found, named if found is not None else f"{named}; give --labels FILE"


def _alphabet(backend: Backend, path: Path | None = None) -> Labels | None:
    """The characters of a reader, those of a file or its own; None of anything else."""
    head = head_of(backend)
    if head is None or head.kind != "sequence" or backend.classes is None:
        return None
    if path is None:
        return stated_alphabet(backend.metadata, backend.classes)
    return read_alphabet(path, backend.classes)


def _image(infos: Sequence[InputInfo]) -> InputInfo | None:
    """The first input that looks like one."""
    return next((info for info in infos if info.pictured), None)


def _random(info: InputInfo, rng: np.random.Generator) -> Array:
    """One row of normal numbers, or of bytes' values."""
    shape = [d if isinstance(d, int) and d > 0 else OPEN for d in info.shape]
    if (axis := row_axis(info)) is not None:
        shape[axis] = 1
    if info.dtype.kind == "f":
        return rng.standard_normal(shape).astype(info.dtype)
    return rng.integers(0, 2 if info.dtype.kind == "b" else 100, shape).astype(info.dtype)
