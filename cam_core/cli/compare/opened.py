"""Both models, opened: what they are fed, their labels and classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from cam_core.backend import Backend
from cam_core.compare.classes import read_classes
from cam_core.compare.opening import open_side
from cam_core.compare.presets import Presets, beyond_noise, try_presets
from cam_core.compare.recordings import recording_of, shared
from cam_core.compare.run import Comparison
from cam_core.compare.sides import Sides
from cam_core.compare.together import bring_together
from cam_core.errors import InputError, ModelError
from cam_core.factory import is_factory
from cam_core.recording import is_recording
from cam_core.sources import Labels, Sources

from ..inputs.given_files import find_files
from ..inputs.opened import Setup, find_labels
from ..inputs.opened import bring_together as set_up
from ..typed import Typed, flag, opening, pieces
from .asked import Compare
from .feeding import OWN, Feeding, feeding
from .recorded import Kept


@dataclass(frozen=True)
class Opened:
    """Ready to run."""

    sides: Sides
    feeding: Feeding | Kept

    @property
    def missed(self) -> Sequence[str]:
        """Pictures that one of two recordings lacks, a line each."""
        return self.feeding.missed if isinstance(self.feeding, Kept) else ()

    def presets(self, found: Comparison) -> Presets | None:
        """The doctor's presets on B, where noise does not explain how far it is from A."""
        fed, scores = self.feeding, found.scores
        if isinstance(fed, Kept) or any(self.sides.recordings) or scores is None:
            return None
        if (used := fed.used) is None or not beyond_noise(found.pairs):
            return None
        pixels = [partial(fed.pixels, i) for i in found.rows]
        return try_presets(self.sides.b, used, lambda i: pixels[i](), scores, fitted=fed.how == OWN)

    @property
    def said(self) -> list[str]:
        """What is said before any number."""
        return [text for text in (self.feeding.said, self.sides.classes.said) if text]


def open_both(asked: Compare) -> Opened:
    """The models, and the photos.

    Raises:
        CamError: they cannot be compared, with the reason.
    """
    if asked.model is None or asked.other is None:
        raise InputError("compare takes two models and photos: gradcam compare A B IMAGES...")
    if len(asked.targets) > 1:
        raise InputError("compare takes one --target: run it again for another")
    images = find_files(asked.images)
    a, b = _backends(asked, asked.model, asked.other)
    kept = None if images else _kept(asked, a, b)
    fed = _fed(asked, a, b, images) if kept is None else kept
    first, names = fed.photo(0), fed.names
    given = None if asked.map_classes is None else read_classes(asked.map_classes, names)
    sides = bring_together(
        *(a, b),
        (first.a, first.b),
        layers=list(asked.layers) or None,
        layers_b=list(asked.layers_b) or None,
        labels=names,
        classes=given,
        target=next(iter(asked.targets), None),
        method=asked.method,
        seed=asked.seed,
        threshold=asked.threshold,
    )
    return Opened(sides, fed)


def _kept(asked: Compare, a: Backend, b: Backend) -> Kept | None:
    """Two recordings need no photos; None of others."""
    ours, theirs = recording_of(a), recording_of(b)
    if ours is None or theirs is None:
        return None
    both, lacking = shared(ours, theirs)
    found = labels_of(a, asked.model, asked), labels_of(b, asked.other, _of_b(asked))
    names = [None if labels is None else labels.names for labels in found]
    return Kept(both, (names[0], names[1]), lacking)


def labels_of(recording: Backend, source: str | None, asked: Typed) -> Labels | None:
    """The names of a recording's classes."""
    return find_labels(Sources.of(recording, str(source), flag), asked, recording)[0]


def _fed(asked: Compare, a: Backend, b: Backend, images: Sequence[Path]) -> Feeding:
    """Both models' readers; a recording that does not say what its model took has the other's.

    Raises:
        InputError: two recordings that do not say it.
    """
    assert asked.model is not None
    assert asked.other is not None
    bare = [recording_of(one) is not None and not one.inputs() for one in (a, b)]
    if all(bare):
        raise InputError(
            "the recordings do not say what their model takes, so that photos cannot be prepared: "
            "leave the photos out, or write 'inputs' into recording.json"
        )
    ours = None if bare[0] else _setup(a, asked.model, asked, images)
    theirs = None if bare[1] else _setup(b, asked.other, _of_b(asked), images)
    ours = as_beside(a, labels_of(a, asked.model, asked), theirs) if ours is None else ours
    theirs = (
        as_beside(b, labels_of(b, asked.other, _of_b(asked)), ours) if theirs is None else theirs
    )
    return feeding(ours, theirs, own=asked.own_preprocessing, seed=asked.seed)


def as_beside(recording: Backend, labels: Labels | None, other: Setup | None) -> Setup:
    """As the other side; its labels too, where it has as many classes and nobody names them."""
    assert other is not None
    alike = other.labels is not None and recording.classes == len(other.labels.names)
    known = other.labels if labels is None and alike else labels
    return replace(other, backend=recording, labels=known)


def _backends(asked: Compare, model: str, other: str) -> tuple[Backend, Backend]:
    """Files first: they say what the modules take that cannot say it themselves.

    Flags about how a model is opened are not about a recording, but about the other side.
    """
    ours, theirs = (
        {} if is_recording(source) else opening(of)
        for source, of in ((model, asked), (other, _of_b(asked)))
    )
    if is_factory(model) and not is_factory(other):
        b = open_side(other, **theirs)
        return open_side(model, b.inputs(), **ours), b
    a = open_side(model, **ours)
    return a, open_side(other, a.inputs(), **theirs)


def _of_b(asked: Compare) -> Compare:
    """The same for B: its layer is another's name, its labels may be others."""
    layers = () if asked.layers_b == ("default",) else asked.layers_b
    labels = asked.labels_file if asked.labels_b is None else asked.labels_b
    found = replace(asked, layers=layers, labels_file=labels)
    # the flags about pixels are about A's then
    return replace(found, preprocess=None, order=()) if asked.own_preprocessing else found


def _setup(backend: Backend, model: str, asked: Compare, images: Sequence[Path]) -> Setup:
    beside = model
    if is_factory(model):  # what lies beside the other model is said of it, too
        others = [one for one in (asked.model, asked.other) if one and not is_factory(one)]
        beside = next(iter(others), model)
    given: dict[str, Any] = pieces(asked)
    found = set_up(backend, Sources.of(backend, beside, flag), asked, images, given)
    if not found.slots:
        raise ModelError("nothing to compare: name photos")
    return found
