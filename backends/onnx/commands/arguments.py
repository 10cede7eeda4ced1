"""What the commands take: the arguments that several have, and all of one as an object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from cam_core.cli.option_types import FILE
from cam_core.cli.typed import Typed

MODEL = click.argument("model", type=FILE)
PROFILE = click.Choice(["web"])
"""The rows of `instrumenting.profiles.PROFILES`, which a help text need not load."""
OUT = {"required": True, "metavar": "OUT", "help": "The file to write."}


@dataclass(frozen=True, kw_only=True)
class Check(Typed):
    """What was typed after `check`."""

    model: Path
    image: Path | None
    numeric: bool
    profile: str | None


@dataclass(frozen=True, kw_only=True)
class Instrument(Typed):
    """What was typed after `instrument`."""

    model: Path
    out: Path
    gate: bool
    outputs: str
    guided: bool
    profile: str | None
    weights: str


@dataclass(frozen=True, kw_only=True)
class AskedBlame(Typed):
    """What was typed after `blame`."""

    model: Path
    quantised: Path
    images: tuple[Path, ...]
    keep: int
    repair: Path | None
    node_data: Path | None


@dataclass(frozen=True, kw_only=True)
class Web(Typed):
    """What was typed after `web`."""

    models: tuple[Path, ...]
    out: Path
    samples: tuple[Path, ...]
    runtime: Path | None
    serve: bool
    port: int | None
