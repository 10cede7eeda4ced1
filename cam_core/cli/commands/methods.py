"""`gradcam methods`."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import options


@click.command(short_help="List the CAM methods.")
@options("json", "output")
def methods(as_json: bool, out: Path | None) -> None:
    """List the CAM methods that --method takes."""
    from cam_core.methods import METHODS

    from ..output import print_json, write_json
    from ..report import console, grid

    listed = [
        {"method": name, "summary": method.summary, "paper": method.paper}
        for name, method in METHODS.items()
    ]
    record = {"command": "methods", "methods": listed}
    write_json(out, record)
    if as_json:
        print_json(record)
        return
    columns = {"method": "", "what it does": "fold", "paper": "fold"}
    console().print(grid(columns, [tuple(row.values()) for row in listed]))
