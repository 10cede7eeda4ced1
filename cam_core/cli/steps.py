"""Steps of a long run: nobody sees these, a bar on the terminal shows others."""

from __future__ import annotations

from collections.abc import Callable


class Step:
    """Called when a step is done; `within` one that takes long, told how much of it is.

    Args:
        show: shows how many steps are done, parts of one counted.
    """

    def __init__(self, show: Callable[[float], None] = lambda done: None) -> None:
        self._show, self._done = show, 0

    def __call__(self) -> None:
        """One more is done."""
        self._done += 1
        self._show(self._done)

    def at(self, done: int) -> None:
        """So many are done by now."""
        self._done = done
        self._show(done)

    def within(self, share: float) -> None:
        """So much of the next one is done; it counts as done when it is called so."""
        self._show(self._done + share)
