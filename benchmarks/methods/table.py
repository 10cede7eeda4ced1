"""The table of docs/methods.md: what each method costs, and its peers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.speed.row import Key, Row
from cam_core import METHODS

Rows = Mapping[Key, Row]
FIRST, LAST = "<!-- costs: made by benchmarks.methods -->", "<!-- end of costs -->"
PEERS = ("pytorch-grad-cam", "torch-cam", "captum", "the authors' loop")
"""A column each; what is behind a comma in a peer's name stands with its figure."""
HEAD = ("method", "passes", "cost", *PEERS)


def page(text: str, made: str) -> str:
    """The page with the table between its marks."""
    before, rest = text.split(FIRST)
    return f"{before}{FIRST}\n\n{made}\n\n{LAST}{rest.split(LAST)[1]}"


def table(about: Mapping[str, str], rows: Rows, names: Mapping[str, str]) -> str:
    """The machine in a line, then a table for each model.

    Args:
        about: the machine and the setting.
        rows: what was measured.
        names: of the models, by key.
    """
    parts = [machine(about)]
    for key, name in names.items():
        lines = list(_lines(rows, key))
        if lines:
            parts += [f"**{name}**", markdown(HEAD, lines)]
    return "\n\n".join(parts)


def machine(about: Mapping[str, str]) -> str:
    """What the figures are of."""
    cores, threads = (int(about[key]) for key in ("cores", "threads"))
    kept = ("onnxruntime", "onnxruntime-gpu", "torch", "grad-cam", "torchcam", "captum")
    versions = ", ".join(f"{name} {about[name]}" for name in kept if name in about)
    return (
        f"{about['processor']}, {cores} cores, {threads} thread{'s' * (threads > 1)} on both "
        f"sides; {about['clock']}, medians of {about['rounds']} rounds. {versions}."
    )


def _lines(rows: Rows, key: str) -> Iterator[tuple[str, ...]]:
    for method in METHODS:
        own = rows.get(("ours", key, method))
        if own is None or own.found is None:
            continue
        passes = rows.get(("passes", key, method))
        counted = "" if passes is None else passes.note
        peers = [_peer(rows, name, key, method) for name in PEERS]
        yield f"`{method}`", counted, figure(own.found.median), *peers


def _peer(rows: Rows, name: str, key: str, method: str) -> str:
    """What one peer takes, also as it is asked otherwise."""
    told = []
    for (part, model, what), row in rows.items():
        if (model, what) == (key, method) and part.partition(", ")[0] == name:
            figures = f"({row.note})" if row.found is None else figure(row.found.median)
            told.append(f"{figures} {part.partition(', ')[2]}".rstrip())
    return "; ".join(told)


def figure(value: float) -> str:
    """Three digits, and none behind the point from 100 on."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table whose columns are as wide as what is in them."""
    wide = [max(len(line[i]) for line in (head, *lines)) for i in range(len(head))]
    rows = [head, ["-" * n for n in wide], *lines]
    return "\n".join(
        f"| {' | '.join(cell.ljust(n) for cell, n in zip(row, wide, strict=True))} |"
        for row in rows
    )
