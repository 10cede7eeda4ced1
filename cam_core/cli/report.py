"""What is said on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING

import click

from cam_core.head import ENTRY

from .inputs.samples import fed
from .naming import top_line
from .paced import in_lines, rate_of
from .steps import Step

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from cam_core.head import Head

    from .explained import Row
    from .job import Job

LONG = 3
"""From so many steps on a bar is worth it."""
PERIOD = 600.0
"""Seconds: steps that end many at once must not look as if nothing went on between."""


@contextmanager
def progress(
    total: int, what: str = "explaining", *, slow: bool = False, rated: bool = False
) -> Iterator[Step]:
    """A step to call; with a bar on stderr where someone watches and it may take a while.

    It shows how long it may still take; rate and time are those of the last PERIOD seconds.

    Args:
        total: how many steps.
        what: is done.
        slow: one step takes long, and says itself how far it is.
        rated: say how many steps a second, in a log once a minute.
    """
    from rich.console import Console

    terminal = Console(stderr=True)
    if rated and not terminal.is_terminal:
        yield Step(in_lines(total, what, partial(click.echo, err=True), monotonic))
        return
    if (total < LONG and not slow) or not terminal.is_terminal:
        yield Step()
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    rates = (TextColumn("{task.fields[rate]}"),) if rated else ()
    period = PERIOD if rated else 30.0
    with Progress(
        *columns, *rates, console=terminal, transient=True, speed_estimate_period=period
    ) as bar:
        task = bar.add_task(what, total=total, rate="")

        def show(done: float) -> None:
            bar.update(task, completed=done)
            bar.update(task, rate=rate_of(bar.tasks[0].speed))

        yield Step(show)


def console() -> Console:
    """The standard output; a log has no edge to wrap at."""
    from rich.console import Console

    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=200)


def show(rows: Sequence[Row], job: Job, named: str) -> None:
    """A table of the explanations, each image's best classes, and where all of it comes from."""
    from rich.text import Text

    out = console()
    out.print(table(rows))
    firsts = [next(group) for _, group in groupby(rows, key=lambda row: row.image)]
    lines(out, [("text", f"{r.image}: {r.reads}") for r in firsts if r.reads])
    tops = [
        (f"top {len(r.top)}", f"{r.image}: {top_line(r.top, r.entry)}") for r in firsts if r.top
    ]
    if tops:
        lines(out, tops)
    lines(out, heads_said(job.heads))
    usual = not job.layers and any(row.layered for row in rows)
    why = job.backend.layer_note if usual else ""  # a model may have no layer
    layers = "; ".join(dict.fromkeys(row.layer for row in rows))
    line(out, "layer", f"{layers} ({why})" if why else layers)
    chosen = list(dict.fromkeys(row.chosen for row in rows if row.chosen))
    if chosen:
        line(out, "method", ", ".join(chosen))
    if job.over:
        line(out, "map", job.over)
    for text in dict.fromkeys(row.preprocessing for row in rows):
        line(out, "input", fed(text, job.source))
    if job.cropped:
        line(out, "crop", job.cropped)
    line(out, "labels", named)
    shared = [name for name in dict.fromkeys(row.picture for row in rows) if name and job.pictures]
    lines(out, [("picture", f"{job.folder / name}.png") for name in shared])
    sheets = dict.fromkeys(row.sheet for row in rows if row.sheet and job.pictures)
    lines(out, [("sheet", f"{job.folder / name}.png") for name in sheets])
    own = job.pictures and not all(row.picture for row in rows)
    kinds = ".png " * own + ".npy .json" + " .signed.npy" * job.signed
    stems = list(dict.fromkeys(stem for row in rows for stem in (row.stem, *row.joint)))
    files = f"{len(stems)} x {job.folder / '<file>'}" if stems[1:] else f"{job.folder / stems[0]}"
    line(out, "files", f"{files} {kinds}")
    for row in rows:
        if row.diagnosis:
            out.print(Text(f"note: {row.stem}: {row.diagnosis}", style="yellow"))


def line(console: Console, name: str, text: str) -> None:
    """A faint name and its value, free of markup."""
    lines(console, [(name, text)])


def lines(console: Console, named: Sequence[tuple[str, str]]) -> None:
    """Several of them, printed at once: one by one takes long."""
    from rich.text import Text

    if not named:
        return
    parts = [Text.assemble((f"{name:<8} ", "dim"), text) for name, text in named]
    console.print(Text("\n").join(parts))


def heads_said(heads: Sequence[Head]) -> list[tuple[str, str]]:
    """The score with its evidence, and the outputs that are not explained, as `lines` takes them.

    Every command says them; () of a backend that knows nothing says nothing.
    """
    rest = "; ".join(head.said for head in heads[1:])
    said = [("score", head.said) for head in heads[:1]]
    return said + ([("others", rest)] if rest else [])


def table(rows: Sequence[Row]) -> Table:
    """One line an image and target; probabilities where the model has them."""
    known = any(row.probability is not None for row in rows)
    likely = [["" if row.probability is None else f"{row.probability:.3f}"] * known for row in rows]
    entry = rows[0].entry if rows else ENTRY
    named = "name" if entry == "label" else "label"
    columns = {"image": "fold", entry: "", named: "fold", "score": "r"}
    columns |= ({"prob.": "r"} if known else {}) | {"raw max": "r", "file": "fold"}
    cells = [
        (r.image, r.target, r.label, f"{r.score:.4g}", *p, f"{r.raw_max:.3g}", r.stem)
        for r, p in zip(rows, likely, strict=True)
    ]
    return grid(columns, cells)


def grid(columns: dict[str, str], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table, free of markup; a column is "fold" (may break), "r" (right) or ""."""
    from rich.table import Table
    from rich.text import Text

    out = Table(box=None, pad_edge=False, header_style="bold")
    for heading, how in columns.items():
        if how == "fold":
            out.add_column(heading, overflow="fold")
        else:
            out.add_column(heading, justify="right" if how == "r" else "left", no_wrap=True)
    for row in rows:
        out.add_row(*map(Text, row))
    return out
