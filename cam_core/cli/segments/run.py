"""A run of `boxes` or `masks`, from what was typed to what is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cam_core.errors import InputError
from cam_core.report.boxes import Found

from ..commands.explain import asked_for, cropper_of, plan, require_sense, set_up
from ..inputs.opened import Setup
from ..inputs.samples import fed
from ..job import Job
from ..missed import tell_missed
from ..output import check_stems, print_json
from ..passes import Looked, look, with_photo, without_photo
from ..report import console, grid, heads_said, line, lines, progress
from .files import found_of, write_formats, write_one
from .limits import Limit, calibrated, calibration_said, limit_of
from .segment import Segment, heat_of, segment_of
from .typed import Segmenting


def run(asked: Segmenting, *, masks: bool) -> None:
    """Look at every photo, choose the threshold, write the files, say what was found."""
    limit = threshold_asked(asked)
    require_sense(asked)
    cropper = cropper_of(asked)
    setup = set_up(asked, cropper, colours=False)
    targets = setup.targets(asked_for(asked))
    check_stems(setup.slots)
    job = plan(asked, setup, cropper)
    missed = [*setup.missed]
    records: list[Mapping[str, Any]] = []
    boxes: list[Found] = []
    others: dict[str, int] = {}
    with progress(len(setup.slots) * len(targets)) as step:
        looked: Iterable[Looked] = look(job, setup, targets, step, missed.append)
        if asked.calibrate is not None:
            looked, limit = calibrate(asked, job, setup, looked)
        for segment in segments(setup, looked, limit, missed.append):
            facts = write_one(job, segment, masks)
            boxes.append(found_of(facts, segment, others))
            records.append(facts)
    formats = asked.formats if boxes else ()
    written = write_formats(asked.out, formats, boxes, info(job, records, limit))
    if records and not asked.as_json:
        show(job, setup, records, limit, [str(path) for path in written])
    tell_missed(missed, explained={one.photo for one in boxes})
    if asked.as_json:
        name = "masks" if masks else "boxes"
        top = {"command": name, "folder": str(asked.out), "threshold": limit.facts()}
        print_json(top | {name: records} | ({"missed": missed} if missed else {}))


def threshold_asked(asked: Segmenting) -> Limit:
    """That of --above; labels are looked at before the model is opened.

    Raises:
        InputError: no threshold, two of them, or labels of no known format.
    """
    from cam_core.sources.boxes import format_of

    if asked.calibrate is not None:
        if asked.above is not None:
            raise InputError("--calibrate chooses what --above gives: leave one of them out.")
        format_of(asked.calibrate)
    elif asked.any_class:
        raise InputError("--any-class is about the labels of --calibrate: give them.")
    return limit_of(asked.above)


def calibrate(
    asked: Segmenting, job: Job, setup: Setup, looked: Iterable[Looked]
) -> tuple[Iterable[Looked], Limit]:
    """The threshold of the labels, and what was looked at for it; of a photo its maps wait."""
    assert asked.calibrate is not None
    waiting = [without_photo(one) for one in looked]
    limit = calibrated(
        asked.calibrate, waiting, lambda one, i: heat_of(setup, one, i)[1:], asked.any_class
    )
    return ((with_photo(setup, one) if job.pictures else one) for one in waiting), limit


def segments(
    setup: Setup, looked: Iterable[Looked], limit: Limit, miss: Callable[[str], None]
) -> Iterable[Segment]:
    """Those of all maps; `miss` is told of each map that has none."""
    for one in looked:
        for index in range(len(one.explained)):
            found = segment_of(setup, one, index, limit)
            if isinstance(found, str):
                miss(found)
            else:
                yield found


def info(job: Job, records: Sequence[Mapping[str, Any]], limit: Limit) -> dict[str, Any]:
    """What is the same of all boxes of a run."""
    layers = dict.fromkeys(str(one["layer"]) for one in records)
    return {
        "description": "boxes and masks drawn round the heat of class activation maps",
        "model": job.model,
        "model_sha256": job.model_sha256,
        "method": ", ".join(dict.fromkeys(str(one["method"]) for one in records)),
        "layer": ", ".join(layers),
        "threshold": limit.facts(),
    }


def show(
    job: Job,
    setup: Setup,
    records: Sequence[Mapping[str, Any]],
    limit: Limit,
    written: Sequence[str],
) -> None:
    """A line a map, and how it came about."""
    out = console()
    columns = {"image": "fold", "label": "fold", "score": "r", "box x, y to x, y": "r"}
    out.print(grid(columns | {"of the photo": "r", "above": "r"}, [_cells(r) for r in records]))
    lines(out, heads_said(job.heads))
    line(out, "layer", ", ".join(dict.fromkeys(str(one["layer"]) for one in records)))
    line(out, "method", ", ".join(dict.fromkeys(str(one["method"]) for one in records)))
    line(out, "segment", f"the largest {limit.words}")
    if limit.chosen:
        line(out, "labels", calibration_said(limit.chosen))
    line(out, "input", fed(records[0]["preprocessing"]["description"], setup.source))
    line(out, "names", setup.named)
    line(
        out,
        "files",
        f"{len(records)} {'record' if len(records) == 1 else 'records'} in {job.folder}",
    )
    if written:
        line(
            out,
            "formats",
            "; ".join(written[:3]) + (f"; {len(written)} files" if written[3:] else ""),
        )


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    x0, y0, x1, y1 = (f"{v:.0f}" for v in one["segment"]["corners"])
    return (
        Path(one["image"]).name,
        str(one["label"] or one["target"]),
        f"{one['score']:.4g}",
        f"{x0}, {y0} to {x1}, {y1}",
        f"{one['segment']['share']:.0%}",
        f"{one['threshold']['value']:.3g}",
    )
