"""A run over many samples: all are looked at and all are written, with little held at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cam_core.targets import ScoredTarget

from .explained import NOTHING, Explained, Unit
from .explaining import Explaining
from .inputs.opened import Setup
from .inputs.samples import Sample
from .job import Job
from .pictures import shared
from .records import write
from .refused import Refused
from .steps import Step
from .threads import in_threads


@dataclass(frozen=True)
class Looked:
    """A sample, and what was seen in it."""

    index: int
    sample: Sample
    explained: Sequence[Explained]


Told = Callable[[Sequence[Explained], Sequence[dict[str, Any]]], None]


def run(
    job: Job,
    setup: Setup,
    targets: Sequence[ScoredTarget],
    *,
    one_scale: bool,
    step: Step,
    tell: Told,
    miss: Callable[[str], None],
    refused: Refused,
) -> None:
    """Look at every sample and write its files, in threads; what is written is told in order.

    With one scale for all pictures, writing begins when all are looked at: of a sample only its
    maps wait, and of the photos those that the reader holds anyway; others are decoded once more.
    """
    looked = look(job, setup, targets, step, miss, refused)
    tops: dict[Unit, float] = {}
    if one_scale and job.pictures:
        waiting = [without_photo(one) for one in looked]
        tops = shared([explained for one in waiting for explained in one.explained])
        looked = (with_photo(setup, one) for one in waiting)

    def work(one: Looked) -> tuple[Sequence[Explained], list[dict[str, Any]]]:
        region = one.explained[0].explanation.region
        name = "" if region is None else region.input
        sample = setup.reader.over(one.sample, name, one.index)
        return one.explained, write(job, sample, one.explained, tops)

    if not job.pictures:  # there is hardly any work
        for one in looked:
            tell(*work(one))
    else:
        in_threads(work, looked, lambda done: tell(*done))


def look(
    job: Job,
    setup: Setup,
    targets: Sequence[ScoredTarget],
    step: Step,
    miss: Callable[[str], None],
    refused: Refused | None = None,
) -> Iterator[Looked]:
    """One sample after another through the model; those that have nothing of it are left out.

    `refused` is told of each method that cannot, where another one can.
    """
    at_work = Explaining(job, Refused() if refused is None else refused)
    for index, slot in enumerate(setup.slots):
        sample = setup.reader.open(slot, index)
        own = [target.of_row(index, len(setup.slots)) for target in targets]
        explained = at_work.explain(sample, own, step, miss)
        if not explained:
            continue
        picture = sample.picture if job.pictures else None
        yield Looked(index, replace(sample, x=NOTHING, picture=picture), explained)


def without_photo(looked: Looked) -> Looked:
    """The same, ready to wait."""
    return replace(looked, sample=replace(looked.sample, picture=None))


def with_photo(setup: Setup, looked: Looked) -> Looked:
    """The same, ready to be drawn."""
    picture = setup.reader.picture(looked.sample.slot)
    return replace(looked, sample=replace(looked.sample, picture=picture))
