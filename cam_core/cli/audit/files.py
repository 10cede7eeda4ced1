"""What `gradcam audit` writes beside its rows: report.json and report.html."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.audit.plan import Plan
from cam_core.audit.summary import Baseline, Summary
from cam_core.audit.summary import record as numbers
from cam_core.compare.limits import Checked
from cam_core.errors import MissingExtraError
from cam_core.plural import counted
from cam_core.report import to_json
from cam_core.write import write_together

from .opened import Fed
from .page import between, page, said
from .pictures import chosen, rated, sheets, strips

RECORD, PAGE = "report.json", "report.html"
LONG = 400
"""Letters of a setting that are shown; the manifest has all."""


def record(
    found: Summary, checked: Sequence[Checked], baseline: Baseline | None, notes: Sequence[str]
) -> dict[str, Any]:
    """report.json."""
    facts = numbers(found)
    facts["said"] = list(notes)
    facts["limits"] = [{"limit": one.limit.text, "failed": one.failed} for one in checked]
    facts["baseline"] = None if baseline is None else baseline_record(baseline)
    return facts


def write(
    out: Path,
    found: Summary,
    facts: Mapping[str, Any],
    drawn: tuple[Plan, Fed],
    checked: Sequence[Checked],
    baseline: Baseline | None,
) -> tuple[list[str], list[str]]:
    """Both files; their names, and why another was not written."""
    files, missing = {RECORD: to_json(facts)}, []
    try:
        files[PAGE] = html(found, facts, drawn, checked, baseline)
    except MissingExtraError as error:
        missing.append(str(error))
    write_together(out, files)
    return list(files), missing


def html(
    found: Summary,
    facts: Mapping[str, Any],
    drawn: tuple[Plan, Fed],
    checked: Sequence[Checked],
    baseline: Baseline | None,
) -> bytes:
    """The page."""
    pictures = strips(found, *drawn, chosen(found))
    badness = np.nan_to_num(rated(found), nan=-np.inf)
    return page(
        found,
        facts,
        pictures,
        np.argsort(-badness, kind="stable"),
        sheets=sheets(found, *drawn),
        title=title(facts),
        command=str(facts["facts"].get("command", "")),
        said=facts["said"],
        checked=checked,
        baseline=None if baseline is None else baseline_table(baseline),
        facts=told(facts),
    )


def title(facts: Mapping[str, Any]) -> str:
    """Which models on how many photos."""
    names = " and ".join(facts["facts"].get("models", ["the model"]))
    return f"{names} on {counted(facts['photos'], 'photo')}"


def told(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All that is needed to repeat it, as lines."""
    settings = {**facts["settings"], "sha256 of all settings": facts["sha256"]}
    rows = [(name, _short(value)) for name, value in settings.items() if value is not None]
    known = facts["facts"].get("versions", {})
    return [*rows, ("versions", ", ".join(f"{name} {v}" for name, v in known.items()))]


def baseline_record(of: Baseline) -> dict[str, Any]:
    """Ready for JSON."""
    rows = {
        name: {
            "then": one.then,
            "now": one.now,
            "difference": one.difference.mean,
            "interval": [one.difference.low, one.difference.high],
            "photos": one.difference.rows,
        }
        for name, one in of.numbers.items()
    }
    return {"photos": of.photos, "gone": of.gone, "new": of.new, "numbers": rows}


def baseline_table(of: Baseline) -> dict[str, Any]:
    """As the page has it."""
    rows = [
        {
            "name": name,
            "photos": one.difference.rows,
            "then": said(one.then),
            "now": said(one.now),
            "difference": said(one.difference.mean),
            "interval": between([one.difference.low, one.difference.high]),
            "moved": one.surely,
        }
        for name, one in of.numbers.items()
    ]
    return {"said": of.said, "rows": rows}


def command_line(arguments: Sequence[str]) -> str:
    """As it was typed."""
    return shlex.join(["gradcam", *arguments])


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else to_json({"": value}).decode()[7:-3]
    text = " ".join(text.split())
    return text if len(text) <= LONG else f"{text[:LONG]} ..."
