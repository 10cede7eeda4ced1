"""Reads a log: CSV, JSON lines, Parquet, an .npz, or a folder of recordings."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, MissingExtraError
from ..foreign import from_json
from ..maps.combine import positive
from ..maps.stats import STATS, stats
from ..recording import Recorded, read_folder
from ..recording.recorded import BROKEN
from .rows import Rows, rows_of

Columns = Mapping[str, Sequence[Any]]
DAMAGED = (*BROKEN, csv.Error)
"""What a file that is not what its name says ends in."""


def read_log(path: str | Path) -> Rows:
    """A log by the ending of its name.

    Raises:
        InputError: it cannot be read, or holds no numbers of maps.
        MissingExtraError: Parquet without pyarrow.
    """
    path = Path(path)
    if path.is_dir():
        return rows_of(recorded(path), str(path))
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        raise InputError(f"log '{path}': {known} are read, or a folder of recordings")
    try:
        columns = reader(path)
    except DAMAGED as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise InputError(f"log '{path}': {why or error}") from error
    return rows_of(columns, str(path))


def from_csv(path: Path) -> Columns:
    """A line of names, then a line a row; commas, semicolons or tabs."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.readline()
        file.seek(0)
        mark = max(",;\t", key=head.count)
        lines = csv.reader(file, delimiter=mark)
        names = [name.strip() for name in next(lines, [])]
        rows = [line for line in lines if line]
    return {name: [r[i] if i < len(r) else "" for r in rows] for i, name in enumerate(names)}


def from_lines(path: Path) -> Columns:
    """A JSON object a line; keys that a line lacks are empty there."""
    with path.open(encoding="utf-8") as file:
        rows = [from_json(line) for line in file if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("a line is no JSON object")
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def from_parquet(path: Path) -> Columns:
    """Its columns."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(
            f"'{path}' is Parquet, which needs pyarrow: pip install 'cam-core[parquet]'"
        ) from error
    try:
        table = pyarrow.parquet.ParquetFile(path).read()
    except pyarrow.ArrowException as error:
        raise ValueError(f"no Parquet: {error}") from error
    return {name: table.column(name).to_pylist() for name in table.column_names}


def from_npz(path: Path) -> Columns:
    """Its arrays; what is one text or number is of all rows."""
    with np.load(path, allow_pickle=False) as file:
        found = {name: np.asarray(file[name]) for name in file.files}
    return {name: np.atleast_1d(array).tolist() for name, array in found.items()}


def recorded(folder: Path) -> Columns:
    """The maps of a folder of recordings, brought to their numbers here."""
    pictures, facts = read_folder(folder)
    held = [*pictures.values()]
    told = facts.get("metadata")
    known = told if isinstance(told, dict) else {}
    names = {"model_sha256": "cam.source_sha256", "layer": "cam.layer", "method": "cam.method"}
    found: dict[str, Sequence[Any]] = {
        "cam_stats": [_stats_of(one, str(folder)) for one in held],
        **{name: [known[key]] for name, key in names.items() if isinstance(known.get(key), str)},
    }
    if all(one.cam_class_used is not None for one in held):
        found["cam_class_used"] = [one.cam_class_used for one in held]
    return found


def _stats_of(one: Recorded, where: str) -> list[float]:
    """Of one map; without its negative part no number knows of that."""
    if one.cam_map.ndim != 3:
        raise InputError(f"'{where}': stats are of maps with height and width")
    lit = positive(one.cam_map)
    signed = lit if one.cam_signed is None else one.cam_signed
    found: list[float] = stats(lit, signed)[0].tolist()
    if one.cam_signed is None:
        found[list(STATS).index("positive_ratio")] = float("nan")
    return found


READERS: Mapping[str, Callable[[Path], Columns]] = {
    ".csv": from_csv,
    ".tsv": from_csv,
    ".jsonl": from_lines,
    ".ndjson": from_lines,
    ".parquet": from_parquet,
    ".npz": from_npz,
}
"""By the ending of a name; to add one: a function, and a row."""
