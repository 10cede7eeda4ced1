"""What commands with `--fail-if` do once their limits were checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cam_core.compare.limits import Checked


def check_junit(file: Path | None, others: Sequence[Path]) -> None:
    """Refuses a place for the XML that cannot be written or is another's, before any work is done.

    Raises:
        InputError: it is a folder, lies where nothing can be written, or is one of `others`.
    """
    from cam_core.errors import InputError

    from .output import check_directory

    if file is None:
        return
    if file.is_dir():
        raise InputError(f"--junit '{file}': a folder; name the file to write")
    if file.resolve() in [other.resolve() for other in others]:
        raise InputError(f"--junit '{file}' is the report itself: name another file")
    try:
        check_directory(file.parent)  # which is made if it is absent
    except InputError as error:
        raise InputError(f"--junit '{file}': its folder cannot be made or written to") from error


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
