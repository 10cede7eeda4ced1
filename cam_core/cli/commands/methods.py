"""`gradcam methods`."""

from __future__ import annotations

import click

from ..options import options
from ..typed import Typed


@click.command(short_help="List the CAM methods.")
@options(Typed, "json", "output")
def methods(asked: Typed) -> None:
    """List the CAM methods that --method takes."""
    from cam_core.methods import AUTO, BEST, METHODS
    from cam_core.methods.options import parameters, said

    from ..output import print_json, write_json
    from ..report import console, grid, line

    listed = [
        {
            "method": name,
            "summary": method.summary,
            "paper": method.paper,
            "options": method.options,
        }
        for name, method in METHODS.items()
    ]
    record = {"command": "methods", "methods": listed}
    write_json(asked.out, record)
    if asked.as_json:
        print_json(record)
        return
    columns = {"method": "", "what it does": "fold", "paper": "fold", "options": "fold"}
    rows = [
        (name, method.summary, method.paper, said(parameters(method.formula)).replace(", ", " "))
        for name, method in METHODS.items()
    ]
    out = console()
    out.print(grid(columns, rows))
    line(out, "options", "as they are by default; --method legrad:blocks=1,... gives others")
    line(out, AUTO, "what suits the score; reciprocam where an operator has no derivative")
    line(
        out, BEST, "what ranks first for such a score, by how the head reads the layer; it says why"
    )
