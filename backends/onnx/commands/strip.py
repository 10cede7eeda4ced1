"""`gradcam strip`: the source of an instrumented model."""

from __future__ import annotations

from pathlib import Path

import click

from cam_core.cli.options import options

from .instrument import MODEL, OUT


@click.command(short_help="Take out all that `instrument` added.")
@MODEL
@options("json", "output", output=OUT)
def strip(model: Path, out: Path, as_json: bool) -> None:
    """Write the source of an instrumented MODEL, message for message."""
    from cam_core.cli.output import print_json

    from ..instrumenting.save import save
    from ..instrumenting.strip import strip as take_out
    from ..reading.load import load, sha256

    source = load(model)
    plain = take_out(source)
    save(plain, out, source)
    if as_json:
        print_json(
            {
                "command": "strip",
                "model": str(model),
                "written": str(out),
                "source_sha256": sha256(plain),
            }
        )
    else:
        click.echo("source  verified: its hash is the one taken when it was instrumented")
        click.echo(f"wrote   {out}")
