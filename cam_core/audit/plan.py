"""What an audit is: the models, the photos, and all that changes a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..backend import Backend
from ..compare.classes import ClassMap, Names
from ..compare.layers import Matched
from ..compare.photos import Photo
from ..compare.recordings import recording_of, told
from ..compare.run import batch_size, sample_of
from ..compare.sides import Sides
from ..compare.together import RECORDED
from ..compare.together import bring_together as both
from ..errors import CamError, InputError, UnreachableError
from .data import Item, count, drawn
from .measure import Column, Opened, Opener, columns_of
from .measure.metrics import find_extras

PART, FILES = 256, 16_384
"""Photos a file of rows: a run that is killed has so many to do again at most. Of so many photos
that there were more than FILES files each has more photos, by whole PARTs."""
TRIED = 64
"""Photos that are tried until one can be opened."""
BATCH = 8
"""Photos at once: more are no faster on a processor, and their tensors take the memory."""
BOUNDS = 16
"""Photos that floor and ceiling of the agreement are measured on."""


@dataclass(frozen=True)
class Plan:
    """Ready to run."""

    sides: Sides
    """Model and reference; without one, the model twice, and the second is never run."""
    opener: Opener
    data: Iterable[Item]
    total: int
    """Photos of all the data."""
    referenced: bool
    sample: int | None = None
    seed: int = 0
    bounds: int = BOUNDS
    part: int = PART
    batch: int | None = None
    metrics: tuple[str, ...] = ()
    """Rows of EXTRAS that are measured besides."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What changes a row besides: hashes of the models, preprocessing, labels."""

    @property
    def count(self) -> int:
        """Photos that are asked for."""
        return self.total if self.sample is None else min(self.sample, self.total)

    @cached_property
    def size(self) -> int:
        """Photos at once."""
        return min(batch_size(self.sides), BATCH) if self.batch is None else self.batch

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Those of a row."""
        return columns_of(reference=self.referenced, metrics=self.metrics)

    @cached_property
    def bounded(self) -> frozenset[int]:
        """Which photos the bounds are measured on."""
        known = self.referenced and self.sides.live is not None  # two recordings tell of no noise
        return frozenset(sample_of(self.count, self.bounds) if known else ())

    def items(self) -> Iterator[Item]:
        """The photos that are asked for."""
        return drawn(self.data, self.total, self.sample, self.seed)

    def identity(self) -> dict[str, Any]:
        """All that changes a row: rows of one identity are of one report."""
        sides = self.sides
        return {
            **self.settings,
            "run": [dict(one.settings) for one in ([sides.a, sides.b][: 1 + self.referenced])],
            "layers": [[one.a, one.b][: 1 + self.referenced] for one in sides.layers],
            "target": sides.target,
            "method": sides.how,
            "classes_of_a_in_b": sides.classes.to_b,
            "threshold": sides.threshold,
            "photos": self.total,
            "sample": self.sample,
            "seed": self.seed,
            "bounds": self.bounds if self.referenced else None,
            **({"metrics": list(self.metrics)} if self.metrics else {}),
        }


def first_opened(data: Iterable[Item], opener: Opener) -> Opened:
    """The first photo that can be opened: layers and classes are matched on it.

    Raises:
        InputError: none of the first ones can.
    """
    why = ""
    for index, item in enumerate(data):
        if index == TRIED:
            break
        try:
            return opener(item, index)
        except UnreachableError:
            raise
        except CamError as error:
            why = why or str(error)
    raise InputError(f"no photo can be opened: {why}" if why else "no photo in the data")


def alone(
    model: Backend, first: Photo, layer: str | None, labels: Names, asked: Mapping[str, Any]
) -> Sides:
    """One model, or a recording, twice: the second is never run.

    Raises:
        InputError: a recording is asked for what was not recorded.
    """
    recording = recording_of(model)
    if recording is None:
        names = model.look(first.a, layers=None if layer is None else [layer]).layers
    else:
        given = {"layer": layer, "target": asked.get("target"), "method": asked.get("method")}
        wanted = next((name for name, value in given.items() if value is not None), None)
        if wanted is not None:
            raise InputError(
                f"{wanted} '{given[wanted]}': '{recording.folder}' is a recording, whose maps are "
                f"finished; leave {wanted} out, or audit the model itself"
            )
        names = [told(recording, "cam.layer") or RECORDED]
        asked = {**asked, "method": told(recording, "cam.method")}
    same = [Matched(name, name, "itself", float(np.nan)) for name in names]
    return Sides(model, model, same, ClassMap(), (labels, labels), **asked)


def plan(
    model: Backend,
    reference: Backend | None,
    data: Iterable[Item],
    opener: Opener,
    *,
    layer: str | None = None,
    layer_b: str | None = None,
    labels: tuple[Names, Names] = (None, None),
    classes: ClassMap | None = None,
    target: str | None = None,
    method: str | None = None,
    seed: int = 0,
    threshold: float | None = None,
    metrics: Sequence[str] = (),
    **how: Any,
) -> Plan:
    """Models and photos brought together; `how` are further fields of Plan.

    Raises:
        CamError: no photo can be opened, or the models cannot be compared.
        InputError: there is no such metric, or a recording is to be measured by one.
    """
    extras = find_extras(metrics)
    if extras and recording_of(model) is not None:
        raise InputError(
            f"metrics {', '.join(metrics)}: they ask the model again, and a recording does not "
            "answer; audit the model itself"
        )
    first = first_opened(data, opener).photo
    asked: dict[str, Any] = {"target": target, "method": method, "seed": seed}
    asked |= {"channelled": True} | ({} if threshold is None else {"threshold": threshold})
    if reference is None:
        sides = alone(model, first, layer, labels[0], asked)
    else:
        sides = both(
            *(model, reference, (first.a, first.b)),
            layers=None if layer is None else [layer],
            layers_b=None if layer_b is None else [layer_b],
            labels=labels,
            classes=classes,
            **asked,
        )
    known: dict[str, Any] = {
        "total": count(data),
        "referenced": reference is not None,
        "seed": seed,
        "metrics": extras,
    }
    found = Plan(sides, opener, data, **known, **how)
    return found if "part" in how else replace(found, part=part_of(found.count))


def part_of(count: int) -> int:
    """Photos a file of rows, of so many photos."""
    return PART * max(1, -(-count // (PART * FILES)))
