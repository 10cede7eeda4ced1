"""What commands with `--fail-if` do once their limits were checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cam_core.compare.limits import Checked


def check_junit(file: Path | None, report: Sequence[Path]) -> None:
    """Refuses a place for the XML that cannot be written or is the report's, before any work is
    done.

    Raises:
        InputError: it is a folder, lies where nothing can be written, or is one of `report`.
    """
    from .output import check_file

    check_file(file, "--junit", {"the report itself": report})


def write_junit(
    file: Path | None, checked: Sequence[Checked], facts: Mapping[str, Any], command: str
) -> None:
    """The limits as JUnit's XML, where that is asked for."""
    from cam_core.compare.limits import junit
    from cam_core.write import write_together

    if file is not None:
        write_together(file.parent, {file.name: junit(checked, facts, command)})


def ended(checked: Sequence[Checked]) -> int:
    """The exit code; limits that do not hold are said again."""
    broken = [one for one in checked if one.failed]
    for one in broken:
        click.echo(f"limit: {one.line}", err=True)
    return 1 if broken else 0
