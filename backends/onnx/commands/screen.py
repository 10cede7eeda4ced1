"""What `gradcam check` says, held until nothing that was typed can be wrong any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cam_core.cli.report import console, grid, line

if TYPE_CHECKING:
    from rich.console import Console


class Screen:
    """Says it for people, or not at all; nothing before `release`, lest bad input leaves half."""

    def __init__(self, *, silent: bool) -> None:
        self.out = None if silent else console()
        self.held: list[Callable[[Console], None]] | None = []

    def line(self, name: str, text: str) -> None:
        """A name and its value."""
        self._say(lambda out: line(out, name, text))

    def grid(self, columns: dict[str, str], rows: Sequence[Sequence[str]]) -> None:
        """A plain table."""
        self._say(lambda out: out.print(grid(columns, rows), soft_wrap=True))

    def release(self) -> None:
        """Say what was held, and from now on everything at once."""
        held, self.held = self.held or [], None
        for say in held:
            self._say(say)

    def _say(self, say: Callable[[Console], None]) -> None:
        if self.held is not None:
            self.held.append(say)
        elif self.out is not None:
            say(self.out)
