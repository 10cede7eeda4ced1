"""Models and photos of an audit, opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from cam_core.audit.auditing import BARE, data_settings
from cam_core.audit.data import Data, Item, open_data
from cam_core.audit.data.far import FILES, pixels_at
from cam_core.audit.hashes import hashes_of
from cam_core.audit.measure import Opened, opened_from
from cam_core.audit.plan import Plan, plan
from cam_core.backend import Array, Backend
from cam_core.compare.classes import read_classes
from cam_core.compare.opening import open_side
from cam_core.compare.photos import Photo
from cam_core.compare.recordings import recording_of
from cam_core.errors import CamError, InputError, UnreachableError
from cam_core.factory import is_factory
from cam_core.recording import is_recording
from cam_core.sources import Sources

from ..compare.feeding import Feeding, described, feeding
from ..compare.opened import as_beside, labels_of
from ..inputs.as_photos import as_photos
from ..inputs.fitting import fit
from ..inputs.opened import Setup, bring_together, taken
from ..inputs.samples import Slot
from ..typed import flag, opening, pieces
from .asked import Audit

LOOKED = 64
"""Photos that are looked at for one whose size the model takes."""


@dataclass(frozen=True)
class Fed:
    """An opener: a photo as both models take it, or as the one does."""

    a: Setup
    both: Feeding | None

    def __call__(self, item: Item, index: int) -> Opened:
        """One photo.

        Raises:
            CamError: it cannot be read, or is no input of the model.
        """
        slot = slot_of(item, self.a)
        if self.both is None:
            sample = self.a.reader.open(slot, index)
            place = sample.placement
            photo = Photo(item.id, sample.x, sample.x, None, place, index, stem=slot.stem)
        else:
            photo = self.pair(self.both, slot, index)
        return opened_from(item, photo, self.a.reader.picture(slot))

    def pair(self, both: Feeding, slot: Slot, index: int) -> Photo:
        """As both take it."""
        one = _Only(slot)
        a, b = replace(both.a, slots=one), replace(both.b, slots=one)
        return replace(both, a=a, b=b).photo(index)


class _Only(Sequence[Slot]):
    """A single slot that stands at every place."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def __getitem__(self, index: Any) -> Any:
        return self._slot

    def __len__(self) -> int:
        return 1


def slot_of(item: Item, setup: Setup) -> Slot:
    """A photo decoded here, so that it is decoded once; or a row of arrays.

    Raises:
        InputError: it cannot be read, or the model takes no photos.
    """
    reader, stem = setup.reader, Path(item.id).stem
    where = item.source if isinstance(item.source, Path) else Path(item.id)
    if isinstance(item.source, FILES):
        if reader.main is None or reader.spec is None:
            raise InputError(f"'{item.id}' is a photo, and the model takes none: give an .npz")
        return Slot(item.id, stem, where, pixels_at(item.source))
    if reader.main is None:
        raise InputError("audit feeds models of one input")
    array = item.source
    photos = as_photos(array, reader.main)
    if photos is not None:
        return Slot(item.id, stem, where, photos[0])
    return Slot(item.id, stem, where, feed={reader.main.name: fit(array, reader.main, where)})


def open_all(asked: Audit) -> tuple[Plan, Fed]:
    """The models, and the photos.

    Raises:
        CamError: they do not fit, with the reason.
    """
    path = sources(asked)[2]
    if len(asked.targets) > 1:
        raise InputError("audit takes one --target: run it again for another")
    data = open_data(path, format=asked.format, photos=asked.photos, boxes=asked.boxes)
    a, b = backends(asked)
    ours, theirs = setups(asked, data, a, b)
    own, seed = asked.own_preprocessing, asked.seed
    both = None if theirs is None else feeding(ours, theirs, own=own, seed=seed)
    fed = Fed(ours, both)
    names = ours.names, (ours if theirs is None else theirs).names
    given = None if asked.map_classes is None else read_classes(asked.map_classes, names)
    ready = plan(
        *(a, b, data, fed),
        layer=asked.layer,
        layer_b=asked.layer_b,
        labels=names,
        classes=given,
        target=next(iter(asked.targets), None),
        method=asked.method,
        seed=seed,
        threshold=asked.threshold,
        sample=asked.sample,
        bounds=asked.bounds,
        metrics=asked.metrics,
        settings=settings(asked, data, fed),
    )
    return ready, fed


def backends(asked: Audit) -> tuple[Backend, Backend | None]:
    """The model and the reference; beside a recording flags are about the other one."""
    model, reference, _ = sources(asked)
    if reference is None:
        return open_side(model, **opening(asked)), None
    ours, theirs = (
        {} if is_recording(source) else opening(of)
        for source, of in ((model, asked), (reference, _of_b(asked)))
    )
    a = open_side(model, **ours)
    return a, open_side(reference, a.inputs(), **theirs)


def setups(asked: Audit, data: Data, a: Backend, b: Backend | None) -> tuple[Setup, Setup | None]:
    """What both are fed; a recording that does not say what its model took has the other's.

    Raises:
        InputError: nothing says it.
    """
    model, reference, _ = sources(asked)
    ours = None if is_bare(a) else _setup(a, model, asked, data)
    theirs = None if b is None or is_bare(b) else _setup(b, str(reference), _of_b(asked), data)
    if ours is None and theirs is None:
        raise InputError(BARE)
    if ours is None:
        ours = as_beside(a, labels_of(a, model, asked), theirs)
    if b is not None and theirs is None:
        theirs = as_beside(b, labels_of(b, reference, _of_b(asked)), ours)
    return ours, theirs


def is_bare(backend: Backend) -> bool:
    """Is it a recording that does not say what its model took?"""
    return recording_of(backend) is not None and not backend.inputs()


@dataclass(frozen=True)
class Again:
    """Opens the same in another process."""

    asked: Audit

    def __call__(self) -> Plan:
        """The models, and the photos."""
        return open_all(self.asked)[0]


def sources(asked: Audit) -> tuple[str, str | None, str]:
    """Model, reference and data."""
    if len(asked.given) not in (2, 3):
        raise click.UsageError(
            "audit takes a model, maybe a reference, and photos: gradcam audit MODEL [REFERENCE] "
            "DATA -o REPORT"
        )
    model, *rest, path = asked.given
    return model, rest[0] if rest else None, path


def settings(asked: Audit, data: Data, fed: Fed) -> dict[str, Any]:
    """What changes a row, besides what the plan knows."""
    models = [name for name in sources(asked)[:2] if name is not None]
    setups = [fed.a] if fed.both is None else [fed.both.a, fed.both.b]
    return {
        "models": [hashes_of(name) or name for name in models],
        "data": data_settings(data),
        "preprocessing": [described(one) for one in setups],
        "preprocess": [str(one.reader.spec) for one in setups],
        "reference_is_fed": None if fed.both is None else fed.both.how,
        "labels": [None if one.names is None else list(one.names) for one in setups],
    }


def _of_b(asked: Audit) -> Audit:
    """The same for the reference: its layer is another's name, its labels may be others."""
    layer = None if asked.layer_b == "default" else asked.layer_b
    labels = asked.labels_file if asked.labels_b is None else asked.labels_b
    found = replace(asked, layer=layer, labels_file=labels)
    return replace(found, preprocess=None, order=()) if asked.own_preprocessing else found


def _setup(backend: Backend, model: str, asked: Audit, data: Data) -> Setup:
    """What the model is fed, with the size that its first photo settles."""
    beside = model
    if is_factory(model):
        others = [one for one in sources(asked)[:2] if one and not is_factory(one)]
        beside = next(iter(others), model)
    known = Sources.of(backend, beside, flag)
    found = bring_together(backend, known, asked, (), pieces(asked), required=False)
    first = first_slot(data, found)
    if first is None:
        return found
    reader = taken(found.reader, [first], backend, asked.first_layer)
    return replace(found, reader=reader)


def first_slot(data: Data, setup: Setup) -> Slot | None:
    """The first photo that can be read; None: the plan says what is wrong."""
    for index, item in enumerate(data):
        try:
            return slot_of(item, setup)
        except UnreachableError:
            raise
        except CamError:
            if index == LOOKED:
                return None
    return None


def picture_of(fed: Fed, item: Item) -> Array | None:
    """The photo, uint8 [H, W, 3]."""
    return fed.a.reader.picture(slot_of(item, fed.a))
