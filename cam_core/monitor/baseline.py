"""What a log is held against: the rows of an audit, or another log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..audit.rows import read_manifest
from ..audit.rows.manifest import MANIFEST
from ..audit.summary import Table, open_table
from ..errors import InputError
from ..maps.stats import STATS
from .logs import read_log
from .rows import SAID, Rows


def read_baseline(path: str | Path) -> Rows:
    """A report of `gradcam audit`, or a log of a time that was well.

    Raises:
        InputError: it is neither, or a report from before there were these numbers.
    """
    folder = Path(path)
    if (folder / MANIFEST).exists():
        return from_report(folder)
    if not folder.exists() or (folder.is_dir() and not any(folder.glob("*.npz"))):
        raise InputError(f"baseline '{folder}': no report of 'gradcam audit', and no log")
    return read_log(folder)


def from_report(folder: Path) -> Rows:
    """The rows of a report whose photos were looked at; of two models those of the first one."""
    table = open_table(folder)
    columns = {name: table.numbers(name) for name in STATS}
    if np.isnan(columns["energy"]).all():
        raise InputError(
            f"'{folder}' has none of the numbers that a device logs: it is older than them, or its "
            "maps have no height and width. Audit again into another folder."
        )
    values = np.stack([*columns.values()], axis=1)
    seen = np.isfinite(columns["energy"])
    values = np.nan_to_num(values[seen], nan=0.0)  # of a map without heat, as a file has it
    classes, labels = _classes(table, np.flatnonzero(seen).tolist())
    said = said_by(read_manifest(folder))
    return Rows(str(folder), tuple(STATS), values, classes, labels, said, int((~seen).sum()))


def said_by(manifest: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Which model it is of, by the hashes of its files and of what was instrumented; where, how."""
    settings, facts = manifest["settings"], manifest["facts"]
    models = settings.get("models") or [None]
    files = models[0].values() if isinstance(models[0], dict) else ()
    sources = (facts.get("sources") or [None])[:1]
    layers = [one[0] for one in settings.get("layers", [])]
    found = {
        "model": frozenset(str(sha) for sha in [*files, *sources] if sha),
        "layer": frozenset([";".join(layers)] if layers else ()),
        "method": frozenset([str(settings["method"])] if settings.get("method") else ()),
    }
    return {key: names for key, names in found.items() if names}


def _classes(
    table: Table, rows: list[int]
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    numbers, names = table.numbers("answer_class"), table.words("answer")
    if np.isnan(numbers).all():
        return None, None
    known = ["" if np.isnan(numbers[i]) else str(int(numbers[i])) for i in rows]
    return tuple(known), tuple(names[i] or "" for i in rows)


def require_same(log: Rows, baseline: Rows) -> None:
    """Refuses a baseline of another model, layer or method, as far as both say what they are of.

    Raises:
        InputError: with what differs.
    """
    for column, key in SAID.items():
        ours, theirs = log.said.get(key), baseline.said.get(key)
        if ours is not None and theirs is not None and ours.isdisjoint(theirs):
            here, there = (", ".join(_short(one) for one in sorted(of)) for of in (ours, theirs))
            raise InputError(
                f"'{baseline.where}' is of another {key}: {column} is {here} in '{log.where}' and "
                f"{there} there. Audit what runs on the device."
            )


def _short(text: str) -> str:
    return f"{text[:12]}..." if len(text) > 40 else text
