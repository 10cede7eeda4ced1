"""The files of one sample: what was seen, and all that is needed to see it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cam_core.image.png import png
from cam_core.report import files_of, to_json
from cam_core.write import npy, write_together

from .contact import contact
from .explained import Beside, Explained, Row, Unit
from .filing import joint_stem
from .inputs.samples import Sample
from .job import Job
from .joint import Joint, files, joints
from .naming import as_record
from .pictures import draw
from .strips import strips


def write(
    job: Job, sample: Sample, explained: Sequence[Explained], tops: Mapping[Unit, float]
) -> list[dict[str, Any]]:
    """The files of one sample, which appear together; returns the records.

    Args:
        tops: by unit, the raw value that the last colour stands for; each its own if absent.
    """
    found: dict[str, bytes] = {}
    records = []
    pages = pages_of(explained)
    if job.pictures:
        found |= {f"{name}.png": png(strips(sample, of)) for name, of in pages.items()}
        found |= contact(sample, explained, tops)
    for one in (one for one in explained if one.alone):
        facts = record(job, sample, one)
        single = job.pictures and not one.row.picture
        picture = draw(sample, one, tops.get(one.unit)) if single else None
        stem, map_of = one.row.stem, one.explanation
        found |= files_of(stem, map_of, to_json(facts), picture=picture, signed=job.signed)
        if one.beside is not None:
            found[f"{stem}.other.npy"] = npy(one.beside.explanation.map[0])
        records.append(facts)
    for joint in joints(explained):
        facts = joint_record(job, sample, joint)
        picture = joint.draw(sample, tops) if job.pictures else None
        stem = joint_stem(job, sample, joint.label, joint.method)
        found |= files(stem, joint, to_json(facts), picture)
        records.append(facts)
    write_together(job.folder, found)
    return records


def pages_of(explained: Sequence[Explained]) -> dict[str, list[Explained]]:
    """The pictures of all characters of a line, by name."""
    found: dict[str, list[Explained]] = {}
    for one in explained:
        if one.row.picture:
            found.setdefault(one.row.picture, []).append(one)
    return found


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
    told = {"layer": row.layer, "method": joint.method, "target": joint.label}
    return {**model_of(job, sample), **told, **joint.facts(), **origins(job, sample, row)}


def model_of(job: Job, sample: Sample) -> dict[str, Any]:
    """What was explained, and what ran it."""
    backend, path = job.backend, sample.slot.path
    name = sample.slot.whole or sample.slot.name
    return {
        "image": str(path) if name == path.name else name,
        **crop_of(job, sample),
        "model": job.model,
        "model_sha256": job.model_sha256,
        **backend.settings,
        "score_tensor": backend.score_name,
        "heads": [head.record() for head in job.heads],
    }


def crop_of(job: Job, sample: Sample) -> dict[str, Any]:
    """Which part of the photo the model was shown, and by whose box; {} where it was all of it."""
    cut = sample.slot.cut
    if cut is None:
        return {}
    return {"crop": {"corners": list(cut.corners), "box": dict(cut.box), **job.cropping}}


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
