"""What the files of a sample are called, once all that was explained of it is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from .explained import Explained, Key, in_full
from .inputs.samples import Sample
from .job import Job
from .naming import stem_of


def filed(job: Job, sample: Sample, found: Mapping[Key, Explained]) -> list[Explained]:
    """All of a sample, each with the names of its own files or of those that it shares."""
    return together(job, sample, [of_question(sample, one) for one in apart(sample, found)])


def apart(sample: Sample, found: Mapping[Key, Explained]) -> list[Explained]:
    """Those whose files would be called alike, as those about a/x.png and b/x.png, in full."""
    stems = Counter(one.row.stem.casefold() for one in found.values())
    return [
        one
        if stems[one.row.stem.casefold()] == 1
        else replace(one, row=replace(one.row, stem=in_full(sample, key, one)))
        for key, one in found.items()
    ]


def of_question(sample: Sample, one: Explained) -> Explained:
    """What has no files of its own is in those of its question."""
    if one.alone:
        return one
    stem = stem_of(sample.slot.stem, one.shares[0].label, one.method)
    return replace(one, row=replace(one.row, stem=stem))


def together(job: Job, sample: Sample, found: list[Explained]) -> list[Explained]:
    """Several characters of a line over a photo are one picture."""
    characters = [one for one in found if "char" in (*one.explanation.detail, {})[0]]
    several = any(len(job.views(method)) > 1 for method in job.methods)
    if several or len(characters) < max(2, len(found)) or sample.placement is None:
        return found
    name = f"{sample.slot.stem}.characters"
    return [replace(one, row=replace(one.row, picture=f"{name}.{one.method}")) for one in found]
