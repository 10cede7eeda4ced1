"""What `gradcam rank` writes: rank.json, rank.md and rank.png."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cam_core.image.png import png
from cam_core.plural import counted
from cam_core.report import to_json, versions
from cam_core.write import write_together

from ..output import sha256
from .asked import Rank
from .result import Result
from .result import record as numbers
from .run import Run
from .sheet import sheet
from .words import page


def record(asked: Rank, found: Result, left_out: Sequence[str]) -> dict[str, Any]:
    """rank.json."""
    run = found.run
    boxes = asked.boxes
    return {
        "command": "rank",
        "model": asked.model,
        "model_sha256": sha256(asked.model),
        **run.setup.backend.settings,
        "score_tensor": run.setup.backend.score_name,
        "asked": list(asked.targets),
        "boxes": None if boxes is None else str(boxes),
        "boxes_sha256": None if boxes is None else sha256(str(boxes)),
        "labels": run.setup.named,
        "preprocessing": {"source": run.setup.source, **preprocessing(run)},
        "photos": [
            {"photo": name, "sha256": sha256(str(path))}
            for name, path in zip(run.tally.photos, run.paths, strict=True)
        ],
        "left_out": list(left_out),
        **numbers(found),
        "versions": versions(),
    }


def preprocessing(run: Run) -> dict[str, Any]:
    """How photos became inputs."""
    spec = run.setup.reader.spec
    return {} if spec is None else asdict(spec)


def write(
    asked: Rank, found: Result, facts: dict[str, Any], more: Sequence[tuple[str, str]]
) -> list[str]:
    """The files, together; their names."""
    title = (
        f"Methods on {Path(asked.model).name} and {counted(len(found.run.tally.photos), 'photo')}"
    )
    files = {"rank.json": to_json(facts), "rank.md": page(found, title, more).encode()}
    drawn = sheet(found)
    files |= {} if drawn is None else {"rank.png": png(drawn)}
    write_together(asked.out, files)
    return list(files)
