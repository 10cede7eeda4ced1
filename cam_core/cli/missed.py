"""What could not be explained, as there was nothing of it in the picture."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import click

from cam_core.errors import NothingFoundError


def tell_missed(missed: Sequence[str], explained: Collection[str]) -> None:
    """A line each on stderr, and a count.

    Args:
        missed: a line for each picture and target.
        explained: the pictures that something was found in.

    Raises:
        NothingFoundError: nothing was found in any.
    """
    if not explained and len(missed) == 1:
        raise NothingFoundError(missed[0])
    for line in missed:
        click.echo(f"note: {line}", err=True)
    if missed and not explained:
        raise NothingFoundError(f"nothing was explained: {len(missed)} notes say why")
    if missed:
        pictures = "picture" if len(explained) == 1 else "pictures"
        notes = "note says" if len(missed) == 1 else "notes say"
        click.echo(
            f"explained {len(explained)} {pictures}; {len(missed)} {notes} what was not found",
            err=True,
        )
