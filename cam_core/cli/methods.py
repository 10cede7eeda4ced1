"""`gradcam methods`."""

from __future__ import annotations

import click


@click.command(short_help="List the CAM methods.")
def methods() -> None:
    """List the CAM methods that --method takes."""
    from rich.console import Console
    from rich.table import Table

    from cam_core.methods import METHODS

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("method", "what it does", "paper"):
        table.add_column(heading)
    for name, method in METHODS.items():
        table.add_row(name, method.summary, method.paper)
    Console(highlight=False).print(table)
