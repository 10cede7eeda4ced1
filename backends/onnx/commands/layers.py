"""`gradcam layers`: where one may look, and where is looked when nobody says."""

from __future__ import annotations

from pathlib import Path

import click

from cam_core.cli.options import options

from .instrument import MODEL


@click.command(short_help="List the layers that can be explained.")
@MODEL
@options(
    *("layer", "score", "json", "output"),
    layer={"help": "Mark what this means: a tensor, a node, a module path or an index."},
)
def layers(
    model: Path, layer: str | None, score: str | None, as_json: bool, out: Path | None
) -> None:
    """List the maps between the input and the score of MODEL.

    The default is marked *, the layer that --layer means >, and the ends of branches ~: maps
    after which no other map follows, where there is more than one.
    """
    from cam_core.cli.output import print_json, write_json
    from cam_core.cli.report import console, grid, line

    from ..capturing.backend import OnnxBackend

    backend = OnnxBackend(model, score=score)
    listed = backend.layers()
    known = backend.analysis.layers
    meant = None if layer is None else known.find(layer).name
    ends = [tensor.name for tensor in known.route.branch_ends(known.listed())]
    branches = ends if len(ends) > 1 else []
    note = backend.layer_note if any(found.default for found in listed) else ""
    record = {
        "command": "layers",
        "model": str(model),
        "score": backend.score_name,
        "note": note,
        "meant": meant,
        "layers": [
            {
                "index": index,
                "name": found.name,
                "operator": found.operator,
                "shape": list(found.shape),
                "module": found.module,
                "default": found.default,
                "branch_end": found.name in branches,
            }
            for index, found in enumerate(listed)
        ],
    }
    write_json(out, record)
    if as_json:
        print_json(record)
        return
    rows = [
        (
            "*" * found.default + ">" * (found.name == meant) + "~" * (found.name in branches),
            str(index),
            found.operator,
            " x ".join("?" if d is None else str(d) for d in found.shape),
            found.name,
            found.module,
        )
        for index, found in enumerate(listed)
    ]
    headings = {"": "", "index": "r", "operator": "", "shape": "", "tensor": "", "module": ""}
    screen = console()
    screen.print(grid(headings, rows), soft_wrap=True)
    line(screen, "score", backend.score_name)
    if meant is not None:
        line(screen, "meant", f"'{layer}' is {meant}")
    if branches:
        line(screen, "branches", ", ".join(branches))
    if note:
        line(screen, "note", note)
