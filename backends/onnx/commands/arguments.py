"""What several of these commands take."""

from __future__ import annotations

import click

from cam_core.cli.option_types import FILE

MODEL = click.argument("model", type=FILE)
OUT = {"required": True, "metavar": "OUT", "help": "The file to write."}
NUMBER = {"metavar": "NUMBER", "help": "The same as --rescale."}
