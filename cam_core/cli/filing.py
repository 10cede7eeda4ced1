"""What the files of a sample are called, once all that was explained of it is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from .explained import Explained, Key, of_layer
from .inputs.samples import Sample
from .job import Job
from .naming import stem_of


def filed(job: Job, sample: Sample, found: Mapping[Key, Explained]) -> list[Explained]:
    """All of a sample, each with the names of its own files or of those that it shares."""
    each = apart(job, sample, found)
    return together(job, sample, [of_question(job, sample, one) for one in each])


def apart(job: Job, sample: Sample, found: Mapping[Key, Explained]) -> list[Explained]:
    """Those whose files would be called alike, as those about a/x.png and b/x.png, in full."""
    stems = Counter(one.row.stem.casefold() for one in found.values())
    return [
        one
        if stems[one.row.stem.casefold()] == 1
        else replace(one, row=replace(one.row, stem=in_full(job, sample, key, one)))
        for key, one in found.items()
    ]


def in_full(job: Job, sample: Sample, key: Key, one: Explained) -> str:
    """The name of the files of a target whose own name others have as well."""
    target, method, view = key
    found = stem_of(sample.slot.stem, target, job.named(method), whole=True)
    return found if view is None else f"{found}{of_layer(one.explanation)}"


def of_question(job: Job, sample: Sample, one: Explained) -> Explained:
    """With the files of its questions, where it may have none of its own."""
    stems = tuple(joint_stem(job, sample, share.label, one.method) for share in one.shares)
    row = replace(one.row, joint=stems, stem=one.row.stem if one.alone else stems[0])
    return replace(one, row=row)


def joint_stem(job: Job, sample: Sample, question: str, method: str) -> str:
    """How the files begin that all targets of a question share."""
    return stem_of(sample.slot.stem, question, job.named(method))


def together(job: Job, sample: Sample, found: list[Explained]) -> list[Explained]:
    """Several characters of a line over a photo are one picture."""
    characters = [one for one in found if "char" in (*one.explanation.detail, {})[0]]
    several = any(len(job.views(method)) > 1 for method in job.methods)
    if several or len(characters) < max(2, len(found)) or sample.placement is None:
        return found
    name = f"{sample.slot.stem}.characters"
    return [
        replace(one, row=replace(one.row, picture=f"{name}.{job.named(one.method)}"))
        for one in found
    ]
