"""What `gradcam explain` says on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from .job import Job, Row


def track(paths: Sequence[Path]) -> Iterable[Path]:
    """The paths, with a progress bar on stderr where someone watches and it may take a while."""
    from rich.console import Console
    from rich.progress import track as with_bar

    console = Console(stderr=True)
    if len(paths) < 3 or not console.is_terminal:
        return paths
    return with_bar(paths, "explaining", console=console, transient=True)


def show(rows: Sequence[Row], job: Job) -> None:
    """A table of the explanations and, for each image, its best classes."""
    from rich.console import Console
    from rich.text import Text

    if not rows:
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)  # a log has no edge to wrap at
    console.print(table(rows))
    for image, group in groupby(rows, key=lambda row: row.image):
        top = next(group).top
        best = " · ".join(f"{label or f'class {c}'} {p:.3f}" for c, label, p in top)
        if top:
            line(console, f"top {len(top)}", f"{Path(image).name}: {best}")
    why = getattr(job.backend, "layer_note", "") if job.layer is None else ""
    line(console, "layer", f"{rows[0].layer} ({why})" if why else rows[0].layer)
    line(console, "input", f"{rows[0].preprocessing} ({job.source})")
    kinds = ".png .npy .json" + (" .signed.npy" if job.signed else "")
    line(console, "files", f"{job.folder / '<file>'} {kinds}")
    for row in rows:
        if row.diagnosis:
            console.print(Text(f"note: {row.stem}: {row.diagnosis}", style="yellow"))


def line(console: Console, name: str, text: str) -> None:
    """A faint name and its value, free of markup."""
    from rich.text import Text

    console.print(Text.assemble((f"{name:<6} ", "dim"), text))


def table(rows: Sequence[Row]) -> Table:
    """One line an image and target."""
    from rich.table import Table
    from rich.text import Text

    out = Table(box=None, pad_edge=False, header_style="bold")
    out.add_column("image", overflow="fold")
    out.add_column("class", no_wrap=True)
    out.add_column("label", overflow="fold")
    for heading in ("score", "prob.", "raw max"):
        out.add_column(heading, justify="right", no_wrap=True)
    out.add_column("file", overflow="fold")
    for row in rows:
        likely = "" if row.probability is None else f"{row.probability:.3f}"
        cells = (Path(row.image).name, row.target, row.label, f"{row.score:.4g}", likely)
        out.add_row(*map(Text, (*cells, f"{row.raw_max:.3g}", row.stem)))
    return out
