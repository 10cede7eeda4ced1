"""The files of one sample: what was seen, and all that is needed to see it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cam_core.image.png import png
from cam_core.report import files_of, to_json
from cam_core.write import npy, write_together

from .inputs.samples import Sample
from .job import Beside, Explained, Job, Row
from .joint import Joint, files, joints
from .naming import as_record, stem_of
from .pictures import draw
from .strips import strips


def write(
    job: Job, sample: Sample, explained: Sequence[Explained], tops: Mapping[str, float]
) -> list[dict[str, Any]]:
    """The files of one sample, which appear together; returns the records.

    Args:
        tops: by unit, the raw value that the last colour stands for; each its own if absent.
    """
    found: dict[str, bytes] = {}
    records = []
    name = explained[0].row.picture
    single = job.pictures and not name
    if job.pictures and name:
        found[f"{name}.png"] = png(strips(sample, explained, job.method))
    for one in (one for one in explained if one.alone):
        facts, map_of = record(job, sample, one), one.explanation
        picture = draw(sample, one, map_of.method, tops.get(one.unit)) if single else None
        stem = one.row.stem
        found |= files_of(stem, map_of, to_json(facts), picture=picture, signed=job.signed)
        if one.beside is not None:
            found[f"{stem}.other.npy"] = npy(one.beside.explanation.map[0])
        records.append(facts)
    for joint in joints(explained):
        facts = joint_record(job, sample, joint)
        picture = joint.draw(sample, job.method, tops) if job.pictures else None
        stem = stem_of(sample.slot.stem, joint.label, job.method)
        found |= files(stem, joint, to_json(facts), picture)
        records.append(facts)
    write_together(job.folder, found)
    return records


def record(job: Job, sample: Sample, explained: Explained) -> dict[str, Any]:
    """All that is needed to make the map again, and to judge it."""
    row = explained.row
    return {
        **model_of(job, sample),
        **explained.explanation.facts(),
        "target": row.target,
        "label": row.label or None,
        "probability": row.probability,
        **origins(job, sample, row),
        **({} if explained.beside is None else {"other": _other(explained.beside)}),
    }


def joint_record(job: Job, sample: Sample, joint: Joint) -> dict[str, Any]:
    """The same of what several targets share."""
    row = joint.each[0].row
    method = joint.each[0].explanation.method
    told = {"layer": row.layer, "method": method, "target": joint.label}
    return {**model_of(job, sample), **told, **joint.facts(), **origins(job, sample, row)}


def model_of(job: Job, sample: Sample) -> dict[str, Any]:
    """What was explained, and what ran it."""
    backend, path = job.backend, sample.slot.path
    return {
        "image": str(path) if sample.slot.name == path.name else sample.slot.name,
        "model": job.model,
        "model_sha256": job.model_sha256,
        **backend.settings,
        "score_tensor": backend.score_name,
        "heads": [head.record() for head in job.heads],
    }


def origins(job: Job, sample: Sample, row: Row) -> dict[str, Any]:
    """The best classes, and where labels, pixels and numbers come from."""
    return {
        "top": as_record(row.top),
        "labels": None if job.labels is None else job.labels.source,
        "preprocessing": {
            "source": "the array itself" if sample.slot.feed else job.source,
            **sample.record,
        },
        "versions": dict(job.versions),
    }


def _other(beside: Beside) -> dict[str, Any]:
    """The second picture, and the numbers of its map."""
    facts = beside.explanation.facts()
    kept = ("score", "shape", "raw_max", "raw_min", "noise_floor", "diagnosis")
    return {
        "image": str(beside.sample.slot.path),
        **{name: facts[name] for name in kept},
        "preprocessing": dict(beside.sample.record),
    }
