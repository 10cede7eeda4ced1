"""What `gradcam compare` writes: compare.json, compare.png, compare.html, a Parquet table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from cam_core.backend import Backend
from cam_core.compare.limits import Checked
from cam_core.compare.record import METRICS
from cam_core.compare.record import record as numbers
from cam_core.compare.run import Comparison
from cam_core.errors import MissingExtraError
from cam_core.image.png import png
from cam_core.plural import counted
from cam_core.report import to_json, versions
from cam_core.write import write_together

from ..output import sha256
from .asked import Compare
from .feeding import Feeding
from .page import page
from .recorded import Kept
from .sheet import sheet, strips

RECORD, SHEET, PAGE, TABLE = FILES = (
    "compare.json",
    "compare.png",
    "compare.html",
    "compare.parquet",
)
NAMED = ("photo", "target")


def record(
    asked: Compare, found: Comparison, fed: Feeding | Kept, said: Sequence[str]
) -> dict[str, Any]:
    """compare.json."""
    made = numbers(found)
    return {
        "command": "compare",
        "a": side(found.sides.a, asked.model),
        "b": side(found.sides.b, asked.other),
        **fed.record(),
        **made,
        "said": list(dict.fromkeys([*said, *made["said"]])),
        "versions": versions(),
    }


def side(backend: Backend, source: str | None) -> dict[str, Any]:
    """One model."""
    file = None if source is None else sha256(source)
    settings = dict(backend.settings)
    return {"model": source, "sha256": file, **settings, "score_tensor": backend.score_name}


def write(
    asked: Compare,
    found: Comparison,
    fed: Feeding | Kept,
    facts: Mapping[str, Any],
    checked: Sequence[Checked],
    tensors: Mapping[str, Any] | None = None,
) -> tuple[list[str], list[str]]:
    """The files, together; their names, and why another was not written."""
    title = (
        f"{_short(asked.model)} and {_short(asked.other)} on {counted(len(found.pairs), 'photo')}"
    )
    made, missing = strips(found, fed.shown), []
    files = {RECORD: to_json(facts)}
    drawn = sheet(found, made, title)
    files |= {} if drawn is None else {SHEET: png(drawn)}
    try:
        more = [*input_said(fed), ("A", str(asked.model)), ("B", str(asked.other))]
        files[PAGE] = page(
            found, facts, made, title=title, checked=checked, tensors=tensors, more=more
        )
    except MissingExtraError as error:
        missing.append(str(error))
    if find_spec("pyarrow") is not None:
        files[TABLE] = parquet(facts["photos"])
    write_together(asked.out, files)
    return list(files), missing


def input_said(fed: Feeding | Kept) -> list[tuple[str, str]]:
    """How the photos were prepared; nothing of two recordings."""
    return [("input", fed.prepared)] if fed.prepared else []


def parquet(photos: Sequence[Mapping[str, Any]]) -> bytes:
    """A row a photo: its name, what it is about, and its numbers."""
    import pyarrow
    import pyarrow.parquet

    kinds = dict.fromkeys(NAMED, pyarrow.string()) | dict.fromkeys(METRICS, pyarrow.float64())
    columns = {name: [one.get(name) for one in photos] for name in kinds}
    table = pyarrow.table(columns, schema=pyarrow.schema(kinds.items()))
    out = BytesIO()
    pyarrow.parquet.write_table(table, out)
    return out.getvalue()


def _short(source: str | None) -> str:
    return "" if source is None else Path(source).name
