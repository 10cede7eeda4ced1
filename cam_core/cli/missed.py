"""What the user is told of a run besides its results, on the standard error."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import click

from cam_core.backend import Backend
from cam_core.converted import conversion_of
from cam_core.errors import NothingFoundError


def tell(notes: Sequence[str]) -> None:
    """A line each."""
    for line in notes:
        click.echo(f"note: {line}", err=True)


def tell_converted(backend: Backend) -> None:
    """Of a model that was converted as it was opened: by what, and how far off it is."""
    said = conversion_of(backend.metadata)
    if "parity" in said:
        tell([f"{said['source']} as .onnx, by {said['converter']}: {said['parity']}"])


def tell_missed(missed: Sequence[str], explained: Collection[str]) -> None:
    """What was not found in a picture: a line each, and a count.

    Args:
        missed: a line for each picture and target.
        explained: the pictures that something was found in.

    Raises:
        NothingFoundError: nothing was found in any.
    """
    if not explained and len(missed) == 1:
        raise NothingFoundError(missed[0])
    tell(missed)
    if missed and not explained:
        raise NothingFoundError(f"nothing was explained: {len(missed)} notes say why")
    if missed:
        pictures = "picture" if len(explained) == 1 else "pictures"
        notes = "note says" if len(missed) == 1 else "notes say"
        click.echo(
            f"explained {len(explained)} {pictures}; {len(missed)} {notes} what was not found",
            err=True,
        )
