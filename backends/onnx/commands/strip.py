"""`gradcam strip`: the source of an instrumented model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from cam_core.cli.options import options
from cam_core.cli.typed import Typed

from .arguments import MODEL, OUT


@dataclass(frozen=True, kw_only=True)
class Strip(Typed):
    """What was typed after `strip`."""

    model: Path
    out: Path


@click.command(short_help="Take out all that `instrument` added.")
@MODEL
@options(Strip, "json", "output", output=OUT)
def strip(asked: Strip) -> None:
    """Write the source of an instrumented MODEL, message for message."""
    from cam_core.cli.output import print_json

    from ..instrumenting.save import save
    from ..instrumenting.strip import strip as take_out
    from ..reading.load import load, sha256

    source = load(asked.model)
    plain = take_out(source)
    save(plain, asked.out, source)
    if asked.as_json:
        print_json(
            {
                "command": "strip",
                "model": str(asked.model),
                "written": str(asked.out),
                "source_sha256": sha256(plain),
            }
        )
    else:
        click.echo("source  verified: its hash is the one taken when it was instrumented")
        click.echo(f"wrote   {asked.out}")
