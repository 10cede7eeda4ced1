"""The page: one file with all pictures in it, that asks no network for anything."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.audit.measure import COLUMNS
from cam_core.audit.summary import Summary
from cam_core.audit.summary.slices import Slice
from cam_core.backend import Array
from cam_core.compare.limits import Checked
from cam_core.image.png import png
from cam_core.plural import counted

from ..compare.page import COLOURS, GREY
from ..templates import rendered
from .pictures import Strip

FOLDER = Path(__file__).parent
TEMPLATE, SCRIPT = FOLDER / "page.html.jinja", FOLDER / "page.js"
LIBRARY = FOLDER / "vendored" / "table-core-8.21.3.js"
"""Sorts, filters and pages the table; see the page beside it."""
MOST = 20_000
"""Photos in the table of the page, the worst ones; all are in the Parquet files."""
DIGITS = 6
"""Of a number in the table."""
BINS = 24
ROUNDING = 1e-9
"""Of the largest value: numbers that are nearer are one."""
PLOTTED = (
    *("spearman", "iou", "gain", "way", "confidence", "energy_object", "energy_other"),
    *("energy_background", "energy_border", "raw_max", "brightness", "sharpness"),
)
"""Distributions that are drawn, where there are any."""
SHOWN = (
    *("photo", "label", "answer", "answer_b", "correct", "confidence", "spearman", "iou", "gain"),
    *("way", "flips", "energy_object", "energy_other", "energy_background", "energy_border"),
    *("raw_max", "brightness", "sharpness", "diagnosis", "error"),
)
"""Columns of the table, where there are any."""
KINDS = (
    ("", "all photos"),
    ("correct=false", "wrong answers"),
    ("flips=1", "answers that flip"),
    ("diagnosis=any", "with a diagnosis"),
    ("error=any", "not read"),
)
TITLES = {
    "worst": ("Worst photos", "by the way to another class, else by where the map lies"),
    "typical": ("Typical photos", "in the middle of the same order"),
    "mistakes": (
        "Mistakes",
        "what it says, what is true, and the difference of both maps; the surest first",
    ),
}


def page(
    found: Summary,
    record: Mapping[str, Any],
    strips: Mapping[str, Sequence[Strip]],
    order: Array,
    *,
    sheets: Sequence[tuple[str, Strip]] = (),
    title: str,
    command: str,
    said: Sequence[str] = (),
    checked: Sequence[Checked] = (),
    baseline: Mapping[str, Any] | None = None,
    facts: Sequence[tuple[str, str]] = (),
) -> bytes:
    """UTF-8.

    Args:
        order: the rows, the worst first.
        sheets: photos whose maps lie alike, and what is to be said of them.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    word = None if found.verdict is None else found.verdict.word
    return rendered(
        TEMPLATE,
        "report.html",
        title=title,
        counted=counted,
        colour=COLOURS.get(word or "", GREY),
        record=record,
        said=said,
        checked=checked,
        numbers=numbers(record),
        baseline=baseline,
        plots=[plot(name, found.values(name)) for name in plotted(found)],
        sections=[
            {"title": TITLES[kind][0], "said": TITLES[kind][1], "strips": [_strip(s) for s in of]}
            for kind, of in strips.items()
        ],
        sheets=[{"said": said, **_strip(strip)} for said, strip in sheets],
        slices=[sliced(list(of)) for _, of in groupby(found.slices, key=lambda one: one.kind)],
        kinds=kinds(found),
        table=table(found, order),
        command=command,
        facts=facts,
        scripts=scripts(),  # files of the package: not escaped
    )


def scripts() -> list[str]:
    """The library, without the line that says where its source is, and what uses it."""
    library, _, _ = LIBRARY.read_text(encoding="utf-8").partition("//# sourceMappingURL=")
    return [library, SCRIPT.read_text(encoding="utf-8")]


def numbers(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """A line a metric that any photo has."""
    rows = [(name, record["statistics"][name]) for name in record["metrics"]]
    return [
        {
            "name": name,
            "summary": record["metrics"][name],
            "photos": str(one["photos"]),
            "interval": between(one["mean_interval"]),
            **{key: said(one[key]) for key in ("mean", "median", "p05")},
        }
        for name, one in rows
        if one["photos"]
    ]


def said(value: float | None) -> str:
    """A number, or nothing."""
    return "" if value is None else f"{value:.4g}"


def between(ends: Sequence[float] | None) -> str:
    """Both ends of an interval."""
    return "" if ends is None else f"{ends[0]:.4g} to {ends[1]:.4g}"


def plotted(found: Summary) -> list[str]:
    """The distributions that there are."""
    names = [name for name in [*PLOTTED, *found.table.metrics] if name in found.metrics]
    return [name for name in names if np.isfinite(found.values(name)).sum() > 1]


def plot(name: str, values: Array) -> dict[str, Any]:
    """A histogram, and what it says in words."""
    known = values[np.isfinite(values)]
    low, high = float(known.min()), float(known.max())
    apart = high - low
    span = apart if apart > ROUNDING * max(abs(low), abs(high)) else 1.0
    counts, edges = np.histogram(known, BINS, (low, low + span))
    step = 300 / BINS
    bars = [
        {
            "x": round(10 + i * step, 1),
            "y": round(90 - 80 * n / counts.max(), 1),
            "width": round(step - 1, 1),
            "height": round(80 * n / counts.max(), 1),
            "text": f"{edges[i]:.4g} to {edges[i + 1]:.4g}: {n}",
        }
        for i, n in enumerate(counts)
        if n
    ]
    middle = float(np.median(known))
    words = f"{name}: median {middle:.4g}, {counted(len(known), 'photo')}"
    at = round(10 + 300 * (middle - low) / span, 1)
    return {"bars": bars, "median": at, "said": words, "low": f"{low:.4g}", "high": f"{high:.4g}"}


def sliced(of: Sequence[Slice]) -> dict[str, Any]:
    """The slices of one kind as a table."""
    columns = list(dict.fromkeys(name for one in of for name in one.numbers))
    rows = [
        {"name": one.name, "photos": one.photos, "values": [_mean(one, n) for n in columns]}
        for one in of
    ]
    return {"name": of[0].kind, "columns": columns, "rows": rows}


def kinds(found: Summary) -> list[tuple[str, str]]:
    """What of the table may be shown alone."""
    known = set(columns(found))
    return [(value, name) for value, name in KINDS if not value or value.split("=")[0] in known]


def columns(found: Summary) -> list[str]:
    """Those of the table that hold anything; a way has no column of its own among the rows."""
    table = found.table
    held = []
    for name in [*SHOWN[:-2], *found.table.metrics, *SHOWN[-2:]]:
        if name in table.columns and table.columns[name].kind == "text":
            held += [name] if any(table.words(name)) else []
        elif name in found.metrics:
            held += [name] if np.isfinite(found.values(name)).any() else []
    return held


def table(found: Summary, order: Array) -> dict[str, Any]:
    """The rows, the worst first, and what each column is."""
    names, some = columns(found), order[:MOST]
    held = [_column(found, name, some) for name in names]
    rows = [list(row) for row in zip(*held, strict=True)]
    heads = [
        {
            "name": name,
            "summary": COLUMNS[name].summary if name in COLUMNS else found.metrics[name],
            "words": name in COLUMNS and COLUMNS[name].kind == "text",
        }
        for name in names
    ]
    cut = "" if len(some) == len(order) else f"the {MOST} worst of {counted(len(order), 'photo')}"
    return {"columns": heads, "data": {"columns": names, "rows": rows}, "said": cut}


def _column(found: Summary, name: str, some: Array) -> list[Any]:
    """Of some rows."""
    if name in found.table.columns and found.table.columns[name].kind == "text":
        words = found.table.words(name)
        return [words[i] for i in some]
    yes = name in COLUMNS and COLUMNS[name].kind == "yes"
    values = found.values(name)[some]
    return [None if not np.isfinite(v) else bool(v) if yes else _rounded(v) for v in values]


def _rounded(value: float) -> float | int:
    found = float(f"{value:.{DIGITS}g}")
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def _mean(one: Slice, name: str) -> str:
    found = one.numbers.get(name)
    return "" if found is None else f"{found.mean:.3g} [{found.low:.3g}, {found.high:.3g}]"


def _strip(strip: Strip) -> dict[str, Any]:
    pictures = [
        {"png": b64encode(png(pixels)).decode(), "text": text} for pixels, text in strip.pictures
    ]
    return {"name": strip.name, "pictures": pictures}
