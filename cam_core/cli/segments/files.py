"""The files of a run: a record and a picture a map, and all boxes in the formats asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.image.png import png
from cam_core.report import to_json
from cam_core.report.boxes import FORMATS, Found
from cam_core.write import write_together

from ..job import Job
from ..naming import subject
from ..records import record
from .segment import Segment

BOX, MASK, MASKED = ".box", ".mask", ".masked"
"""How the names of files end, before their suffix."""


def write_one(job: Job, segment: Segment, masks: bool) -> dict[str, Any]:
    """The files of one map, which appear together; returns the record."""
    stem = segment.explained.row.stem
    facts = record(job, segment.sample, segment.explained) | segment.facts(masks)
    found = {f"{stem}{MASK if masks else BOX}.json": to_json(facts)}
    if masks:
        found[f"{stem}{MASK}.png"] = grey(segment.mask)
    if job.pictures:
        found[f"{stem}{MASKED if masks else BOX}.png"] = png(segment.draw(masks))
    write_together(job.folder, found)
    return facts


def write_formats(
    folder: Path, formats: Sequence[str], found: Sequence[Found], info: Mapping[str, Any]
) -> list[Path]:
    """All boxes of the run in each format; returns the paths."""
    written: list[Path] = []
    for name in dict.fromkeys(formats):
        inner: dict[Path, dict[str, bytes]] = {}
        for file, content in FORMATS[name](found, info).items():
            path = folder / file
            inner.setdefault(path.parent, {})[path.name] = content
        for place, files in inner.items():
            written += write_together(place, files)
    return written


def found_of(record: Mapping[str, Any], segment: Segment, others: dict[str, int]) -> Found:
    """As the formats take it; `others`: the numbers of what is asked for and is no class."""
    row, explanation = segment.explained.row, segment.explained.explanation
    number = None if explanation.classes is None else int(explanation.classes[0])
    if number is None:
        number = others.setdefault(row.target, len(others))
    facts: dict[str, Any] = {"score": row.score, "threshold": record["threshold"]["value"]}
    if "rle" in record["segment"]:
        facts["segmentation"] = record["segment"]["rle"]
    return Found(
        segment.sample.slot.whole or segment.sample.slot.name,
        segment.placement.photo,
        number,
        row.label or subject(row.target, row.entry),
        segment.corners,
        float(record["segment"]["area"]),
        facts,
    )


def grey(mask: Array) -> bytes:
    """A PNG of one channel: 255 in the mask, 0 beside it."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, "PNG")
    return buffer.getvalue()
