"""What an audit is: the models, the photos, and all that changes a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..backend import Backend
from ..compare.classes import ClassMap, Names
from ..compare.layers import Matched
from ..compare.recordings import recording_of
from ..compare.run import batch_size, sample_of
from ..compare.sides import Sides
from ..compare.together import bring_together as both
from ..errors import CamError, InputError, UnreachableError
from .data import Item, count, drawn
from .measure import Opened, Opener

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
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What changes a row besides: hashes of the models, preprocessing, labels."""

    @property
    def count(self) -> int:
        """Photos that are asked for."""
        return self.total if self.sample is None else min(self.sample, self.total)

    @property
    def size(self) -> int:
        """Photos at once."""
        return min(batch_size(self.sides), BATCH) if self.batch is None else self.batch

    @cached_property
    def bounded(self) -> frozenset[int]:
        """Which photos the bounds are measured on."""
        return frozenset(sample_of(self.count, self.bounds) if self.referenced else ())

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
    **how: Any,
) -> Plan:
    """Models and photos brought together; `how` are further fields of Plan.

    Raises:
        CamError: no photo can be opened, or the models cannot be compared.
        InputError: one of them is a recording.
    """
    for side in (model, reference):
        if side is not None and recording_of(side) is not None:
            raise InputError(
                "a recording is no model that runs: compare takes recordings, audit two models"
            )
    first = first_opened(data, opener).photo
    asked: dict[str, Any] = {"target": target, "method": method, "seed": seed}
    asked |= {} if threshold is None else {"threshold": threshold}
    if reference is None:
        look = model.look(first.a, layers=None if layer is None else [layer])
        same = [Matched(name, name, "itself", float(np.nan)) for name in look.layers]
        sides = Sides(model, model, same, ClassMap(), (labels[0], labels[0]), **asked)
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
    }
    found = Plan(sides, opener, data, **known, **how)
    return found if "part" in how else replace(found, part=part_of(found.count))


def part_of(count: int) -> int:
    """Photos a file of rows, of so many photos."""
    return PART * max(1, -(-count // (PART * FILES)))
